import type { DocumentStore, IncomingFile } from '#files/document-store.ts'
import type { EmulatorLimits } from '#limits.ts'
import type { MultipartEvent } from '#requests/multipart.ts'
import { RequestRejected } from '#requests/rejection.ts'
import type { RequestParameters } from '#requests/request-parameters.ts'

/** A part that is being received: a file if it has a file name, else a field. */
type OpenPart =
  | { readonly kind: 'file'; readonly name: string; readonly fileName: Buffer; readonly file: IncomingFile }
  | { readonly kind: 'field'; readonly name: string; readonly pieces: Buffer[] }

/** Puts the parts of a form where they belong: files on disk, fields in the parameters. */
export class FormCollector {
  readonly #parameters: RequestParameters
  readonly #store: DocumentStore
  readonly #limits: EmulatorLimits
  #open: OpenPart | undefined
  #fieldBytes = 0

  constructor(options: { parameters: RequestParameters; store: DocumentStore; limits: EmulatorLimits }) {
    this.#parameters = options.parameters
    this.#store = options.store
    this.#limits = options.limits
  }

  /** Takes the next event. Throws RequestRejected 413 for too many files or too many bytes in fields. */
  async take(event: MultipartEvent): Promise<void> {
    switch (event.kind) {
      case 'part':
        this.#open = await this.#begin(event.name, event.fileName)
        break
      case 'bytes':
        await this.#add(event.bytes)
        break
      case 'part-end':
        await this.#finish()
        break
    }
  }

  /** Drops the part that is being received, if there is one. */
  async abandon(): Promise<void> {
    if (this.#open?.kind === 'file') await this.#open.file.abandon()
    this.#open = undefined
  }

  async #begin(name: string, fileName: Buffer | undefined): Promise<OpenPart> {
    if (fileName === undefined) return { kind: 'field', name, pieces: [] }
    if (this.#parameters.uploads.length === this.#limits.maxFiles) throw new RequestRejected(413)
    return { kind: 'file', name, fileName, file: await this.#store.receive() }
  }

  async #add(bytes: Buffer): Promise<void> {
    if (this.#open?.kind === 'file') return this.#open.file.write(bytes)
    this.#fieldBytes += bytes.length
    if (this.#fieldBytes > this.#limits.maxParameterBytes) throw new RequestRejected(413)
    this.#open?.pieces.push(Buffer.from(bytes))
  }

  async #finish(): Promise<void> {
    const part = this.#open
    if (part?.kind === 'field') {
      this.#parameters.setText(part.name, Buffer.concat(part.pieces).toString('utf8'))
    } else if (part?.kind === 'file') {
      const received = await part.file.finish()
      this.#parameters.setFile(part.name, { ...received, rawFileName: part.fileName })
    }
    this.#open = undefined
  }
}
