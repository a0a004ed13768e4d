import { isAttended, watchAttention } from '#api/attention.ts'
import { client } from '#api/generated/client.gen.ts'
import { problemOf } from '#api/problem.ts'
import { learnTime } from '#format/clock.ts'

/** Where the page is, as `/` or `/below/a/proxy/`: `serve` writes it into the document. */
export function basePath(): string {
  return new URL('.', document.baseURI).pathname
}

/** The address of something below the page, such as `api/v1/backups`. */
export function urlOf(path: string): string {
  return `${basePath()}${path}`
}

/** To be called once, before the first request. */
export function configureClient(): void {
  client.setConfig({ baseUrl: basePath().replace(/\/$/, ''), throwOnError: true, credentials: 'same-origin' })
  watchAttention(document)
  client.interceptors.request.use(request => {
    if (!isAttended()) request.headers.set('X-Unattended', '1')
    return request
  })
  client.interceptors.response.use(response => {
    learnTime(response.headers.get('Date'))
    return response
  })
  client.interceptors.error.use((body, response) => problemOf(body, response))
}
