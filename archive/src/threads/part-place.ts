export interface PartPlace {
  start: number
  end: number
}

/** Two numbers of 32 bits; a part has at most 2 GB. */
export const PART_PLACE_BYTES = 8

export function writePartPlace(block: Uint8Array, { start, end }: PartPlace): void {
  const view = new DataView(block.buffer, block.byteOffset)
  view.setUint32(0, start)
  view.setUint32(4, end)
}

export function readPartPlace(block: Uint8Array): PartPlace {
  const view = new DataView(block.buffer, block.byteOffset)
  return { start: view.getUint32(0), end: view.getUint32(4) }
}
