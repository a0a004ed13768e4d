import { isIP } from 'node:net'
import { assertScope } from '@telegram-backup/engine/access/caller.ts'
import type { HttpSettings } from '@telegram-backup/engine/config/http-settings.ts'
import { BackupError } from '@telegram-backup/errors'
import type { Request, RequestHandler } from 'express'
import { callerOf } from '#http/request-context.ts'

/**
 * Allows requests from this machine, unless a proxy is configured or the headers show one. Other requests
 * need a key with the scope `read` that is not limited to a project: the metrics cover all projects.
 */
export function metricsAccess(settings: HttpSettings, authenticate: RequestHandler): RequestHandler {
  return async (request, response, next) => {
    if (settings.trust_proxy === undefined && isFromHere(request)) return next()
    await authenticate(request, response, error => {
      if (error) return next(error)
      const caller = callerOf(response)
      assertScope(caller, 'read')
      if (caller.project_id === null) return next()
      throw new BackupError('The metrics cover all projects, and this key is limited to one', {
        code: 'FORBIDDEN',
      })
    })
  }
}

/** Headers that proxies add. */
const PROXY_HEADER =
  /^(?:forwarded|via|x-.*forwarded(?:-.*)?|x-real-ip|x-client-ip|x-cluster-client-ip|true-client-ip|client-ip|x-original-.*|x-envoy-.*|x-proxy-.*|cf-.*|fastly-.*|x-amz-cf-.*|x-amzn-trace-id)$/

/** Whether the request comes from this machine, and has passed no proxy as far as its headers show. */
export function isFromHere(request: Request): boolean {
  const { remoteAddress = '' } = request.socket
  return (
    isLoopback(remoteAddress) &&
    // A web page can give this address any name (DNS rebinding), but the browser then sends that name.
    isLoopbackName(request.hostname ?? '') &&
    !hasProxyHeader(request)
  )
}

/** Whether the request has passed a proxy, as far as its headers show. */
export function hasProxyHeader({ headers }: Request): boolean {
  return Object.keys(headers).some(name => PROXY_HEADER.test(name))
}

function isLoopback(address: string): boolean {
  return /^(::ffff:)?127\./.test(address) || address === '::1'
}

/** Whether the name or address of a host, also `[::1]`, is only reachable from this machine. */
export function isLoopbackName(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase()
  return name === 'localhost' || (isIP(name) !== 0 && isLoopback(name))
}
