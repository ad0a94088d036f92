import { appendFile, defineBreak, editorSavesNothing } from "kbreak";

export default defineBreak({
  title: "An editor that never saves",
  summary:
    "`kubectl edit` opens ed, which few know how to leave. Who sets the editor back to vi meets the second half: abbreviations turn every way to save into `q!`, and edits are lost without a word.",
  difficulty: "medium",
  source: "Klustered (BookClub; community 2)",
  reboot: "survives",
  dangers: ["lockout"],
  parameters: {
    type: "object",
    properties: {
      profile: {
        type: "string",
        pattern: "^/",
        default: "/etc/profile.d/editor.sh",
        description: "A start-up file of login shells.",
      },
      editor: {
        type: "string",
        pattern: "^[a-z]+$",
        default: "ed",
        description: "What KUBE_EDITOR becomes.",
      },
      vimrc: {
        type: "string",
        pattern: "^/",
        default: "/root/.vimrc",
        description: "The fixer's settings of vim.",
      },
    },
    additionalProperties: false,
  },
  sees: "`kubectl edit` shows a number and a prompt, or nothing. In vi all looks well, but the file is as it was.",
  hints: [
    "Did you save it? Look once more.",
    "What you typed is not what your editor has read.",
    "`env | grep EDITOR`; then `vi -u NONE`, and `:cabbrev` within vi.",
  ],
  find: ["env | grep KUBE_EDITOR", "cat /root/.vimrc"],
  fix: ["unset KUBE_EDITOR", "rm -f /etc/profile.d/editor.sh", "sed -i '/^cabbrev .* q!$/d' /root/.vimrc"],
  metric: "None: nothing reaches the API server. Its audit log shows that there was no PATCH.",
  prevention:
    "Change objects by `kubectl apply` from files under version control, and not in an editor on a node.",
  operations: ({ profile, editor, vimrc }) => [
    appendFile(profile, `export KUBE_EDITOR=${editor}`),
    appendFile(vimrc, ["w", "wq", "x", "wa", "wqa", "xa"].map((word) => `cabbrev ${word} q!`).join("\n")),
  ],
  symptom: () => editorSavesNothing(),
});
