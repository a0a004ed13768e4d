import type { HttpSettings } from '@telegram-backup/engine/config/http-settings.ts'
import { assertScope } from '@telegram-backup/engine/jobs/key-rights.ts'
import { BackupError } from '@telegram-backup/errors'
import type { Request, RequestHandler } from 'express'
import { isLoopback, isLoopbackName } from '#http/loopback.ts'
import { callerOf } from '#http/request-context.ts'

/**
 * Lets everybody in who is on this machine, unless a proxy is configured or one shows itself; others need a key that may read and is
 * bound to no project, since the metrics tell of all.
 */
export function metricsDoor(settings: HttpSettings, authenticate: RequestHandler): RequestHandler {
  return async (request, response, next) => {
    if (settings.trust_proxy === undefined && isFromHere(request)) return next()
    await authenticate(request, response, error => {
      if (error) return next(error)
      const caller = callerOf(response)
      assertScope(caller, 'read')
      if (caller.project_id === null) return next()
      throw new BackupError('The metrics tell of all projects, and this key is bound to one', {
        code: 'FORBIDDEN',
      })
    })
  }
}

/** What proxies add, each its own: `X-Forwarded-For`, `X-Forwarded-Proto`, `X-Original-Forwarded-For`, `CF-Connecting-IP` and so on. */
const PROXY_HEADER =
  /^(?:forwarded|via|x-.*forwarded(?:-.*)?|x-real-ip|x-client-ip|x-cluster-client-ip|true-client-ip|client-ip|x-original-.*|x-envoy-.*|x-proxy-.*|cf-.*|fastly-.*|x-amz-cf-.*|x-amzn-trace-id)$/

function isFromHere(request: Request): boolean {
  const { remoteAddress = '' } = request.socket
  return (
    isLoopback(remoteAddress) &&
    // A page in a browser of this machine can give any name this address, but not another name to itself.
    isLoopbackName(request.hostname ?? '') &&
    !Object.keys(request.headers).some(name => PROXY_HEADER.test(name))
  )
}
