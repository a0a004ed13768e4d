import { expect, test } from 'vitest'
import { REFUSALS } from '#answers.ts'

const PREFIXES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  413: 'Request Entity Too Large',
  421: 'Misdirected Request',
}

test.for(Object.entries(REFUSALS))(
  '%s is worded as the Bot API words errors',
  ([, [errorCode, description]]) => {
    const [prefix, message] = description.split(/: (.*)/)
    expect(prefix).toBe(PREFIXES[errorCode])
    // The first letter is small unless the message begins with a name in capitals.
    if (message !== undefined) expect(message).toMatch(/^([a-z]|[A-Z][A-Z_])/)
  },
)
