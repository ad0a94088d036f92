/** All that a break may use. */
export {
  type Break,
  type BreakDefinition,
  defineBreak,
  type Needs,
  type ParametersSchema,
} from "./catalogue/break.ts";
export type { EtcdFacts, Facts } from "./facts.ts";
export { admissionPolicy } from "./helpers/admission-policy.ts";
export { type AuthorityFiles, reissued } from "./helpers/certificate.ts";
export { NODES, nodesIn, PODS, requestedCpu } from "./helpers/cluster-nodes.ts";
export { confusablesOf, describeCharacter } from "./helpers/confusables.ts";
export { COREFILE, COREFILE_PATIENCE, corefileIn, corefileRefusal } from "./helpers/corefile.ts";
export { deploymentIn, deploymentPath, rolloutRefusal } from "./helpers/deployment.ts";
export { hostBehind, type Way, wayRefusal } from "./helpers/host-behind.ts";
export { idleImage, idlePod, idlePodWithClaim, ownWorkload } from "./helpers/idle-pods.ts";
export { type ImageWebhook, imageWebhookManifest, imageWebhookProgram } from "./helpers/image-webhook.ts";
export { withClientCertificate, withExecHelper } from "./helpers/kubeconfig.ts";
export { claim, localVolume } from "./helpers/local-volume.ts";
export { oneMorePod } from "./helpers/one-more-pod.ts";
export { dropPort } from "./helpers/packet-program.ts";
export { type Relapse, relapseParameters, relapseRepair, relapseScript } from "./helpers/relapse.ts";
export { ownService } from "./helpers/service.ts";
export { serviceIn, servicePath } from "./helpers/service-facts.ts";
export { unitOfPath } from "./helpers/systemd.ts";
export { timeServicesOf } from "./helpers/time-services.ts";
export {
  appendFile,
  at,
  attributes,
  ballast,
  clock,
  createObject,
  cron,
  deleteObject,
  editFile,
  etcdFill,
  firewallRule,
  folder,
  freeze,
  ioLimit,
  link,
  linkFile,
  mode,
  mount,
  move,
  nftTable,
  packetFilter,
  preload,
  process,
  qdisc,
  removeFile,
  route,
  scale,
  setFields,
  swap,
  sysctl,
  taint,
  takeLease,
  unit,
  writeFile,
} from "./operations/constructors.ts";
export { namespaced } from "./operations/object-ref.ts";
export {
  apiProbe,
  creationRefused,
  objectSays,
  podGetsAnotherImage,
  podRefused,
  podsStuck,
  podsUnschedulable,
  serviceWithoutEndpoints,
} from "./probes/api.ts";
export { certificateForOthers, certificateOutOfTime } from "./probes/certificate.ts";
export { clusterNameUnknown } from "./probes/cluster-name-unknown.ts";
export { credentialsFromHelper } from "./probes/credentials-helper.ts";
export { diskFull } from "./probes/disk.ts";
export { etcdPutRefused } from "./probes/etcd-put-refused.ts";
export { etcdSyncSlow } from "./probes/etcd-sync-slow.ts";
export { kubectlAsks, userInNoGroup } from "./probes/kubeconfig.ts";
export { largePacketRefused } from "./probes/large-packet.ts";
export { editorSavesNothing, loginShellSays } from "./probes/login-shell.ts";
export { loopbackLoses } from "./probes/loopback.ts";
export { lostAnswers } from "./probes/lost-answers.ts";
export { nameResolvesTo } from "./probes/name-resolves.ts";
export { noContainer } from "./probes/no-container.ts";
export { noWayTo } from "./probes/no-way.ts";
export { nodeCondition } from "./probes/node-condition.ts";
export { notExecutable } from "./probes/not-executable.ts";
export { notForwarded } from "./probes/not-forwarded.ts";
export { pathHidden } from "./probes/path-hidden.ts";
export { podNetwork } from "./probes/pod-network.ts";
export { podsNameserverSilent } from "./probes/pods-nameserver.ts";
export { portMute } from "./probes/port-mute.ts";
export { portRefused } from "./probes/port-refused.ts";
export { portSilent } from "./probes/port-silent.ts";
export { portSquatted } from "./probes/port-squatted.ts";
export type { Probe } from "./probes/probe.ts";
export { processUnseen } from "./probes/process-unseen.ts";
export { slowAnswer, slowConnect } from "./probes/slow-answer.ts";
export { BURST_BITS, slowBurst } from "./probes/slow-burst.ts";
export { swapInUse } from "./probes/swap.ts";
export { textMissing, textPresent } from "./probes/text.ts";
export { udpSilent } from "./probes/udp-silent.ts";
export { unitInactive } from "./probes/unit-inactive.ts";
export { unreadableYaml } from "./probes/unreadable-yaml.ts";
export { writeRefused } from "./probes/write-refused.ts";
export { writesForbidden } from "./probes/writes-forbidden.ts";
export { quote, sh } from "./shell.ts";
