import { strippedRight } from "./blank";

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) {
    value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return value;
});

/** CRC-32 of bytes, as zlib has it. */
export function crc32(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value = (TABLE[(value ^ byte) & 0xff] as number) ^ (value >>> 8);
  }
  return (value ^ 0xffffffff) >>> 0;
}

/** What tells whether a cell is still the one that ran: eight hex digits. White space at its end does not count. */
export function digestOf(source: string): string {
  return crc32(new TextEncoder().encode(strippedRight(source)))
    .toString(16)
    .padStart(8, "0");
}
