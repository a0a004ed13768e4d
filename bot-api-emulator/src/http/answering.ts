import type { ServerResponse } from 'node:http'
import type { ApiRefusal } from '#answers.ts'

/** Answers a success in the Bot API's envelope. */
export function answerResult(response: ServerResponse, result: unknown): void {
  answerJson(response, 200, { ok: true, result })
}

/** Answers a refusal: the HTTP status is the error code, and a flood wait is a header too. */
export function answerRefusal(response: ServerResponse, refused: ApiRefusal): void {
  const retryAfter = refused.parameters?.['retry_after']
  if (retryAfter !== undefined) response.setHeader('Retry-After', String(retryAfter))
  answerJson(response, refused.errorCode, {
    ok: false,
    error_code: refused.errorCode,
    description: refused.message,
    ...(refused.parameters ? { parameters: refused.parameters } : {}),
  })
}

/** Answers nothing but a status, and closes the connection. */
export function answerEmpty(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'Content-Length': 0, Connection: 'close' }).end()
}

/** Answers as the proxy in front of the Bot API does. */
export function answerProxyPage(response: ServerResponse, status: number, reason: string): void {
  const title = `${status} ${reason}`
  const page = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>nginx/1.18.0</center>\r\n</body>\r\n</html>\r\n`
  response.writeHead(status, { 'Content-Type': 'text/html', 'Content-Length': page.length }).end(page)
}

/** Answers JSON. */
export function answerJson(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value))
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.length }).end(body)
}
