const UNREACHABLE = 'UNREACHABLE'

/** What a request was answered with instead of what it asked for. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  /** 0: there was no answer, or the page itself failed. */
  readonly status: number
  /** As on the command line; `UNREACHABLE` without an answer. */
  readonly code: string
  /** What to do next, in the words of the API. */
  readonly hint: string | undefined
  /** When the server asks to wait. */
  readonly retryAfterSeconds: number | undefined

  constructor(of: {
    status: number
    code: string
    message: string
    hint?: string | undefined
    retryAfterSeconds?: number | undefined
  }) {
    super(of.message)
    this.status = of.status
    this.code = of.code
    this.hint = of.hint
    this.retryAfterSeconds = of.retryAfterSeconds
  }
}

/** There was no answer: the server, or the way to it, is away. */
export function isUnreachable({ code }: ApiProblem): boolean {
  return code === UNREACHABLE
}

/** The body may be anything: a proxy may have answered. */
export function problemOf(body: unknown, response: Response | undefined): ApiProblem {
  if (body instanceof ApiProblem) return body
  if (response === undefined) {
    return new ApiProblem({ status: 0, code: UNREACHABLE, message: 'The server cannot be reached' })
  }
  const { status } = response
  const { code, detail, title, hint } = fieldsOf(body)
  return new ApiProblem({
    status,
    code: typeof code === 'string' ? code : `HTTP ${status}`,
    message: textOf(detail) ?? textOf(title) ?? `The server answered with the status ${status}`,
    hint: textOf(hint),
    retryAfterSeconds: secondsOf(response.headers.get('Retry-After')),
  })
}

/** Of what a query or a mutation has thrown. */
export function asProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error
  return new ApiProblem({
    status: 0,
    code: 'ERROR',
    message: error instanceof Error ? error.message : String(error),
  })
}

function secondsOf(header: string | null): number | undefined {
  return header !== null && /^\d{1,6}$/.test(header) ? Number(header) : undefined
}

function fieldsOf(body: unknown): Record<string, unknown> {
  return typeof body === 'object' && body !== null ? { ...body } : {}
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
