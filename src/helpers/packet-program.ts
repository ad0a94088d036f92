/**
 * Classic BPF (https://docs.kernel.org/networking/filter.html): four numbers an instruction, as tc takes them. The
 * offsets from the network header make it the same for every device, whatever header its packets have below that.
 */
const NETWORK = 0xfff0_0000;
const PROTOCOL = 0xffff_f000;
const load = { byte: 0x30, half: 0x28, halfBehindHeader: 0x48, headerLength: 0xb1 } as const;
const jump = { ifEqual: 0x15, ifAnyBit: 0x45 } as const;
const RETURN = 0x06;
const numbers = { tcp: 6, udp: 17 } as const;

/** What tc does with a packet (linux/pkt_cls.h). `next`: it asks the next filter. */
const verdict = { drop: 2, next: 0xffff_ffff } as const;

/** A program for `packetFilter` that drops what comes for a port, of IPv4 and IPv6, and leaves all else alone. */
export function dropPort(protocol: "tcp" | "udp", port: number): string {
  // `then` and `else`: how many instructions are jumped over.
  const program = [
    [load.half, 0, 0, PROTOCOL],
    [jump.ifEqual, 0, 7, 0x0800],
    [load.byte, 0, 0, NETWORK + 9],
    [jump.ifEqual, 0, 11, numbers[protocol]],
    // The ports are in the first of several fragments only.
    [load.half, 0, 0, NETWORK + 6],
    [jump.ifAnyBit, 9, 0, 0x1fff],
    [load.headerLength, 0, 0, NETWORK],
    [load.halfBehindHeader, 0, 0, NETWORK + 2],
    [jump.ifEqual, 5, 6, port],
    [jump.ifEqual, 0, 5, 0x86dd],
    [load.byte, 0, 0, NETWORK + 6],
    [jump.ifEqual, 0, 3, numbers[protocol]],
    [load.half, 0, 0, NETWORK + 42],
    [jump.ifEqual, 0, 1, port],
    [RETURN, 0, 0, verdict.drop],
    [RETURN, 0, 0, verdict.next],
  ];
  return [program.length, ...program.map((instruction) => instruction.join(" "))].join(",");
}
