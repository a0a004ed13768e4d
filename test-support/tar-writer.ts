// Pieces of tar files, also pieces that no tar writes.

export function header(fields: {
  name: string
  type: string
  linkName?: string
  sizeBytes?: number
}): Buffer {
  const block = Buffer.alloc(512)
  block.write(fields.name, 0, 100)
  block.write('0000644\0', 100)
  block.write(`${(fields.sizeBytes ?? 0).toString(8).padStart(11, '0')}\0`, 124)
  block.write(fields.type, 156)
  block.write(fields.linkName ?? '', 157, 100)
  block.write('ustar\x0000', 257)
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

/** A member with its data. */
export function member(fields: { name: string; data: string; type?: string }): Buffer {
  const data = Buffer.from(fields.data)
  const padding = Buffer.alloc((512 - (data.length % 512)) % 512)
  const { name, type = '0' } = fields
  return Buffer.concat([header({ name, type, sizeBytes: data.length }), data, padding])
}

/** An extended header; `raw` follows its records. */
export function pax(
  records: Record<string, string> | Array<[string, string]>,
  type: 'x' | 'g' = 'x',
  raw: string = '',
): Buffer {
  const entries = Array.isArray(records) ? records : Object.entries(records)
  return member({
    name: 'PaxHeaders/x',
    type,
    data: entries.map(([name, value]) => record(name, value)).join('') + raw,
  })
}

/** A long name (`L`) or a long link (`K`), as GNU tar writes them. */
export function longName(type: 'L' | 'K', text: string): Buffer {
  return member({ name: '././@LongLink', type, data: `${text}\0` })
}

/** Two blocks of zeros. */
export function endOfTar(): Buffer {
  return Buffer.alloc(1024)
}

function record(name: string, value: string): string {
  const rest = ` ${name}=${value}\n`
  let length = Buffer.byteLength(rest)
  while (String(length).length + Buffer.byteLength(rest) !== length) length++
  return length + rest
}
