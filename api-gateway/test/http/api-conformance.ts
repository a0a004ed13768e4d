import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { expect } from 'vitest'

interface DescribedAnswer {
  content?: Record<string, { schema?: object }>
}

interface Operation {
  operationId: string
  responses: Record<string, DescribedAnswer>
  requestBody?: object
  /** Empty for what needs neither a key nor a session. */
  security?: object[]
  parameters?: { name: string; in: string; schema: Record<string, unknown> }[]
}

/** One operation of the document. */
export interface DescribedOperation {
  method: string
  /** With `{id}`. */
  path: string
  operation: Operation
}

/** Whether a key or a session is needed. */
export function needsCaller({ path, operation: { security } }: DescribedOperation): boolean {
  return path.startsWith('/api/v1') && security?.length !== 0
}

/** The path with a value in place of its parameter, if it has one. */
export function filled(path: string, value: string): string {
  return path.replace(/\{\w+\}/, value)
}

/** The OpenAPI document as something that answers are held against. */
export class ApiConformance {
  readonly operations: DescribedOperation[]
  readonly #ajv: Ajv2020
  readonly #compiled = new Map<string, ValidateFunction>()

  constructor(document: { paths: Record<string, Record<string, Operation>> }) {
    this.#ajv = new Ajv2020({ strict: false, allErrors: true })
    // It is a CommonJS module, whose default export stands below `default`.
    const add = addFormats as unknown as (ajv: Ajv2020) => void
    add(this.#ajv)
    this.#ajv.addSchema(document, 'api')
    this.operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        method: method.toUpperCase(),
        path,
        operation,
      })),
    )
  }

  /**
   * Fails unless the answer is one that the document has for the operation. Returns its body, parsed if it
   * is JSON.
   */
  async check(described: DescribedOperation, answer: Response): Promise<unknown> {
    const { method, path, operation } = described
    const where = `${method} ${path} → ${answer.status}`
    const expected = operation.responses[answer.status]
    // Its end would never come.
    if (path === '/api/v1/events' && answer.status === 200) return await answer.body?.cancel()
    const text = await answer.text()
    if (expected === undefined) throw new Error(`${where} is not in the document: ${text.slice(0, 300)}`)
    const contentType = answer.headers.get('content-type')?.split(';')[0] ?? ''
    if (expected.content === undefined) {
      expect(text, where).toBe('')
      return undefined
    }
    expect(Object.keys(expected.content), where).toContain(contentType)
    if (!contentType.endsWith('json')) return text
    const body: unknown = JSON.parse(text)
    const validate = this.#validator(described, String(answer.status), contentType)
    expect(validate(body), `${where}: ${JSON.stringify(validate.errors)} in ${text.slice(0, 400)}`).toBe(true)
    return body
  }

  #validator({ method, path }: DescribedOperation, status: string, contentType: string): ValidateFunction {
    const place = ['paths', path, method.toLowerCase(), 'responses', status, 'content', contentType, 'schema']
    const pointer = place.map(part => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')))
    const ref = `api#/${pointer.join('/')}`
    const known = this.#compiled.get(ref) ?? this.#ajv.compile({ $ref: ref })
    this.#compiled.set(ref, known)
    return known
  }
}
