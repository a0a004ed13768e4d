import type { Request } from 'express'

/** The key that a request comes with; undefined without one of that form. */
export function bearerKeyOf(request: Request): string | undefined {
  return /^Bearer +([\x21-\x7e]{1,200}) *$/i.exec(request.get('Authorization') ?? '')?.[1]
}
