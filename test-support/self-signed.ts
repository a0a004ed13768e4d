import { generateKeyPairSync, sign } from 'node:crypto'

/** A certificate of its own authority, good from 2020 to 2049, and its key, both as PEM. */
export function selfSigned(commonName: string): { cert: string; key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const name = sequence(set(sequence(oid('550403'), tlv(0x0c, Buffer.from(commonName)))))
  const algorithm = sequence(oid('2a8648ce3d040302'))
  const validity = sequence(utc('200101000000Z'), utc('491231000000Z'))
  const version = tlv(0xa0, tlv(0x02, Buffer.from([2])))
  const serial = tlv(0x02, Buffer.from([1]))
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const facts = sequence(version, serial, algorithm, name, validity, name, spki)
  const signature = tlv(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', facts, privateKey)]))
  const body = sequence(facts, algorithm, signature).toString('base64')
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${body.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

function tlv(tag: number, content: Buffer): Buffer {
  const { length } = content
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...head]), content])
}

const sequence = (...parts: Buffer[]): Buffer => tlv(0x30, Buffer.concat(parts))
const set = (part: Buffer): Buffer => tlv(0x31, part)
const oid = (hex: string): Buffer => tlv(0x06, Buffer.from(hex, 'hex'))
const utc = (time: string): Buffer => tlv(0x17, Buffer.from(time))
