import { trusted } from "../shell.ts";

/** Attribute flags as `lsattr` tells them: shared by the kinds that look at them. */
export const flagsLibrary = trusted(String.raw`
flags_of() { # path: its attribute flags without the dashes, in flags; false where the file system has none
  told=yes
  flags=$(lsattr -d -- "$1" 2>/dev/null) || told=no
  # The words between the dashes, put together again.
  IFS=-
  set -- ${"$"}{flags%% *}
  IFS=
  flags=$*
  unset IFS
  [ "$told" = yes ]
}
`);
