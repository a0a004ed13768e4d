import express from 'express'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { HTTP_SETTINGS_SCHEMA } from '#config/http-settings.ts'

const isAccepted = (trust_proxy: unknown): boolean => HTTP_SETTINGS_SCHEMA.safeParse({ trust_proxy }).success

it.each([1, '10.0.0.5', 'loopback', '::1', '::ffff:10.0.0.1', '10.0.0.0/8, fd00::/8 ,uniquelocal'])(
  'takes %j for proxies',
  value => {
    expect(isAccepted(value)).toBe(true)
  },
)

it.each([
  0,
  -1,
  1.5,
  true,
  'true',
  '1',
  '',
  'loopback,',
  'proxy.example.com',
  '10.0.0.0/0',
  '10.0.0.0/33',
  '::/129',
  '10.0.0',
  'fe80::1%eth0',
])('refuses %j for proxies, and says what may stand there', value => {
  const parsed = HTTP_SETTINGS_SCHEMA.safeParse({ trust_proxy: value })
  expect(parsed.error?.issues[0]?.message).toMatch(/how many proxies|at least 1/)
})

it('what it takes for proxies, express can start with', () => {
  const address = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.constantFrom('loopback', 'linklocal', '::ffff:10.0.0.1', '010.1.1.1'),
  )
  const suffix = fc.constantFrom('', '/1', '/8', '/32', '/64', '/128', '/129', '/255.255.0.0', '/08', ' ')
  const one = fc.oneof(
    fc.tuple(address, suffix).map(parts => parts.join('')),
    fc.string({ unit: fc.constantFrom(...'0123456789abcf:./, ') }),
  )
  fc.assert(
    fc.property(fc.array(one, { maxLength: 3 }), parts => {
      const text = parts.join(',')
      if (isAccepted(text)) express().set('trust proxy', text)
    }),
    { numRuns: 2_000 },
  )
})
