import { BackupError } from '@telegram-backup/errors'
import type { RequestHandler } from 'express'

/** Headers of which Node passes on the first and forgets the others. A proxy in front may have looked at another one. */
const ONCE = ['host', 'authorization', 'content-type'] as const

/** Refuses a request that has one of them twice, or that does not say which host it is for. Throws `INVALID`. */
export const refuseAmbiguous: RequestHandler = (request, _response, next) => {
  const { headersDistinct, httpVersion } = request
  if (headersDistinct['host'] === undefined && httpVersion === '1.1') {
    throw new BackupError('The request has no header host', { code: 'INVALID' })
  }
  const twice = ONCE.find(name => (headersDistinct[name]?.length ?? 0) > 1)
  if (twice === undefined) return next()
  throw new BackupError(`The request has the header ${twice} twice`, { code: 'INVALID' })
}
