import { type MemberAttributes, memberPathBytes } from '@telegram-backup/archive'
import { BLOCK_BYTES } from '#directory/unpack/tar-fields.ts'

/** For a folder whose attributes are not recorded: nobody else may look into it. */
const UNKNOWN_MODE = 0o700
/** Most of a name in a header of its own; longer ones stand only in the extended header. */
const MAX_NAME_BYTES = 100
const MAX_OWNER_BYTES = 31

/**
 * A folder as a member of a tar file. So tar makes folders that were not fetched as it makes all others. An
 * owner whose name the system does not know becomes root, or this user.
 */
export function folderMember(path: string, attributes: MemberAttributes | undefined): Buffer {
  const name = Buffer.concat([Buffer.from('./'), memberPathBytes(path), Buffer.from('/')])
  const { mode = UNKNOWN_MODE, owner = '', group = '' } = attributes ?? {}
  const modifiedMs = attributes?.modifiedMs ?? Date.now()
  const owners = { uname: memberPathBytes(owner), gname: memberPathBytes(group) }
  const records = [
    record('path', name),
    // An empty record would delete the field of the header.
    ...Object.entries(owners).flatMap(([key, value]) => (value.length === 0 ? [] : [record(key, value)])),
    record('mtime', Buffer.from(String(modifiedMs / 1000))),
  ]
  const data = Buffer.concat(records)
  const padding = Buffer.alloc((BLOCK_BYTES - (data.length % BLOCK_BYTES)) % BLOCK_BYTES)
  return Buffer.concat([
    headerBlock({ name: Buffer.from('PaxHeaders/folder'), type: 'x', mode: 0o644, sizeBytes: data.length }),
    data,
    padding,
    headerBlock({ name: name.subarray(0, MAX_NAME_BYTES), type: '5', mode, sizeBytes: 0, ...owners }),
  ])
}

function headerBlock(of: {
  name: Buffer
  type: 'x' | '5'
  mode: number
  sizeBytes: number
  uname?: Buffer
  gname?: Buffer
}): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES)
  of.name.copy(block)
  writeOctal(block, of.mode, { at: 100, digits: 7 })
  writeOctal(block, 0, { at: 108, digits: 7 })
  writeOctal(block, 0, { at: 116, digits: 7 })
  writeOctal(block, of.sizeBytes, { at: 124, digits: 11 })
  writeOctal(block, 0, { at: 136, digits: 11 })
  block.write(of.type, 156)
  block.write('ustar\x0000', 257)
  of.uname?.copy(block, 265, 0, MAX_OWNER_BYTES)
  of.gname?.copy(block, 297, 0, MAX_OWNER_BYTES)
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  writeOctal(block, sum, { at: 148, digits: 6 })
  return block
}

function writeOctal(block: Buffer, value: number, { at, digits }: { at: number; digits: number }): void {
  block.write(`${value.toString(8).padStart(digits, '0')}\0`, at)
}

/** `length name=value`, where the length counts itself. */
function record(name: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${name}=`), value, Buffer.from('\n')])
  let length = rest.length
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length
  return Buffer.concat([Buffer.from(String(length)), rest])
}
