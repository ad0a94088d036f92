/**
 * Services that set the system clock. VirtualBox's guest services do that, too; those of VMware and qemu do it only
 * when their host asks for it.
 */
export const timeServices: readonly string[] = [
  "systemd-timesyncd.service",
  "chrony.service",
  "chronyd.service",
  "chronyd-restricted.service",
  "ntp.service",
  "ntpd.service",
  "ntpsec.service",
  "openntpd.service",
  "phc2sys.service",
  "vboxadd-service.service",
  "vboxservice.service",
  "virtualbox-guest-utils.service",
];
