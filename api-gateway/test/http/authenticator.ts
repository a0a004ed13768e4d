import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

/** What the device puts into an answer; wrong on purpose in some tests. */
export interface Answering {
  challenge: string
  origin: string
  rpId: string
  /** Whether the device has asked for a finger or a PIN. */
  isVerified?: boolean
  counter?: number
  /** What the browser says that was done. */
  type?: string
}

/** A device that keeps one passkey, as an answer of `navigator.credentials` shows it. */
export class Authenticator {
  readonly id: string = randomBytes(32).toString('base64url')
  readonly #key: KeyObject
  readonly #cose: Buffer

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    this.#key = privateKey
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
    // CBOR: {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y}
    this.#cose = Buffer.concat([
      ...[Buffer.from('a5010203262001215820', 'hex'), Buffer.from(x, 'base64url')],
      ...[Buffer.from('225820', 'hex'), Buffer.from(y, 'base64url')],
    ])
  }

  /** What a browser answers to `POST /passkeys/challenge`. */
  made(of: Answering): object {
    const id = Buffer.from(this.id, 'base64url')
    const length = Buffer.from([0, id.length])
    const data = Buffer.concat([authenticatorData(of, 0x40), Buffer.alloc(16), length, id, this.#cose])
    // CBOR: {"fmt": "none", "attStmt": {}, "authData": data}
    const attestation = Buffer.concat([
      Buffer.from('a363666d74646e6f6e656761747453746d74a068617574684461746158', 'hex'),
      Buffer.from([data.length]),
      data,
    ])
    return this.#answer({
      clientDataJSON: clientData({ type: 'webauthn.create', ...of }).toString('base64url'),
      attestationObject: attestation.toString('base64url'),
      transports: ['internal'],
    })
  }

  /** What a browser answers to `POST /session/challenge`. */
  used(of: Answering): object {
    const [data, client] = [authenticatorData(of, 0), clientData({ type: 'webauthn.get', ...of })]
    const signed = Buffer.concat([data, createHash('sha256').update(client).digest()])
    return this.#answer({
      clientDataJSON: client.toString('base64url'),
      authenticatorData: data.toString('base64url'),
      signature: sign('sha256', signed, this.#key).toString('base64url'),
    })
  }

  #answer(response: object): object {
    return { id: this.id, rawId: this.id, type: 'public-key', clientExtensionResults: {}, response }
  }
}

function authenticatorData({ rpId, isVerified = true, counter = 0 }: Answering, more: number): Buffer {
  const tail = Buffer.alloc(5)
  tail[0] = 0x01 | (isVerified ? 0x04 : 0) | more
  tail.writeUInt32BE(counter, 1)
  return Buffer.concat([createHash('sha256').update(rpId).digest(), tail])
}

function clientData({ type, challenge, origin }: Answering): Buffer {
  return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }))
}
