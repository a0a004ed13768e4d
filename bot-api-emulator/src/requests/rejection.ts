/**
 * The request broke the rules of the HTTP reader: an empty body with this status, and the connection closes.
 */
export class RequestRejected extends Error {
  override readonly name = 'RequestRejected'
  readonly status: 400 | 413 | 431

  constructor(status: 400 | 413 | 431) {
    super(`HTTP ${status}`)
    this.status = status
  }
}
