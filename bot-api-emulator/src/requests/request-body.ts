import type { IncomingMessage } from 'node:http'
import { refusal } from '#answers.ts'
import type { DocumentStore } from '#files/document-store.ts'
import type { EmulatorLimits } from '#limits.ts'
import { FormCollector } from '#requests/form-collector.ts'
import { boundaryOf, MultipartReader } from '#requests/multipart.ts'
import { RequestRejected } from '#requests/rejection.ts'
import { RequestParameters } from '#requests/request-parameters.ts'

/** What reading a body needs. `body` is the request itself, or a shortened view of it. */
export interface BodySource {
  readonly request: IncomingMessage
  readonly body: AsyncIterable<Buffer>
  readonly query: URLSearchParams
  readonly store: DocumentStore
  readonly limits: EmulatorLimits
}

/**
 * Reads a whole request; files go to disk as they come in. Throws ApiRefusal 413 for too large a body (which
 * is read to its end first, so that the client sees the answer), RequestRejected for what the HTTP reader
 * refuses, and whatever ends the connection. No file is left behind then.
 */
export async function readParameters(source: BodySource): Promise<RequestParameters> {
  const parameters = new RequestParameters()
  for (const [name, value] of source.query) parameters.setText(name, value)
  try {
    await readBody(source, parameters)
  } catch (error) {
    for (const file of parameters.uploads) await source.store.discard(file.storedAs)
    throw error
  }
  return parameters
}

async function readBody(source: BodySource, parameters: RequestParameters): Promise<void> {
  const contentType = source.request.headers['content-type'] ?? ''
  const chunks = withinLimit(source.body, source)
  if (/multipart\/form-data/i.test(contentType)) {
    await readMultipart(chunks, boundaryOf(contentType), { ...source, parameters })
    return
  }
  const isForm = /application\/x-www-form-urlencoded/i.test(contentType)
  const isJson = /application\/json/i.test(contentType)
  const pieces: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of chunks) {
    sizeBytes += chunk.length
    if (!isForm && !isJson) continue
    if (sizeBytes > source.limits.maxParameterBytes) throw new RequestRejected(413)
    pieces.push(chunk)
  }
  const text = Buffer.concat(pieces).toString('utf8')
  if (isForm) addForm(parameters, text)
  if (isJson) addJson(parameters, text)
}

async function* withinLimit(
  body: AsyncIterable<Buffer>,
  { request, limits }: BodySource,
): AsyncGenerator<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0)
  let sizeBytes = 0
  for await (const chunk of body) {
    sizeBytes += chunk.length
    if (Math.max(declared, sizeBytes) <= limits.maxBodyBytes) yield chunk
  }
  if (Math.max(declared, sizeBytes) > limits.maxBodyBytes) throw refusal('bodyTooLarge')
}

async function readMultipart(
  chunks: AsyncIterable<Buffer>,
  boundary: string,
  form: BodySource & { parameters: RequestParameters },
): Promise<void> {
  const reader = new MultipartReader(boundary, form.limits)
  const collector = new FormCollector(form)
  try {
    for await (const chunk of chunks) {
      for (const event of reader.push(chunk)) await collector.take(event)
      freeChunk(chunk)
    }
    reader.end()
  } finally {
    await collector.abandon()
  }
}

/** Smaller chunks may share memory with others. */
const MIN_FREED_BYTES = 16 * 1024

/**
 * Frees a chunk's memory at once: the garbage collector sees only the small object, and would run all the
 * time because of what it holds.
 */
function freeChunk({ buffer, byteLength }: Buffer): void {
  const isAll = byteLength === buffer.byteLength
  if (buffer instanceof ArrayBuffer && isAll && byteLength >= MIN_FREED_BYTES) buffer.transfer(0)
}

function addForm(parameters: RequestParameters, text: string): void {
  for (const [name, value] of new URLSearchParams(text)) parameters.setText(name, value)
}

/** A malformed body is ignored, as the Bot API does; values that are not strings are kept as their JSON. */
function addJson(parameters: RequestParameters, text: string): void {
  const value = parseJson(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return
  for (const [name, entry] of Object.entries(value)) {
    parameters.setText(name, typeof entry === 'string' ? entry : JSON.stringify(entry))
  }
}

/** The value of a JSON text; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
