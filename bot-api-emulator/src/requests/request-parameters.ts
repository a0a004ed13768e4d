import type { ReceivedFile } from '#files/document-store.ts'

/** A file part: what was stored, and the name it was sent with, percent-decoded. */
export interface UploadedFile extends ReceivedFile {
  readonly rawFileName: Buffer
}

/**
 * The parameters of one call, from query string and body alike; the first of equal names counts.
 * Reading is as lenient as the Bot API's: what is missing or wrong reads as empty, 0 or false.
 */
export class RequestParameters {
  readonly #texts = new Map<string, string>()
  readonly #files = new Map<string, UploadedFile>()
  readonly #uploads: UploadedFile[] = []

  setText(name: string, value: string): void {
    if (!this.#texts.has(name)) this.#texts.set(name, value)
  }

  setFile(name: string, file: UploadedFile): void {
    this.#uploads.push(file)
    if (!this.#files.has(name)) this.#files.set(name, file)
  }

  has(name: string): boolean {
    return this.#texts.has(name)
  }

  text(name: string): string {
    return this.#texts.get(name) ?? ''
  }

  /** `true`, `yes` and `1` are true, in any case of letters. */
  boolean(name: string): boolean {
    return /^(true|yes|1)$/i.test(this.text(name).trim())
  }

  /** The leading digits of the value; 0 without any. */
  integer(name: string): number {
    return integerOf(this.text(name))
  }

  file(name: string): UploadedFile | undefined {
    return this.#files.get(name)
  }

  /** Every file of the request, whichever is used. */
  get uploads(): readonly UploadedFile[] {
    return this.#uploads
  }

  /** The parameters that are not files, for the record of requests. */
  get texts(): Record<string, string> {
    return Object.fromEntries(this.#texts)
  }
}

/** An integer as the Bot API reads it: anything unreadable is 0. */
export function integerOf(text: string): number {
  const value = Number.parseInt(text, 10)
  return Number.isSafeInteger(value) ? value : 0
}
