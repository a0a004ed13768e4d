import { isIP } from 'node:net'
import { BackupError, hint, option } from '@telegram-backup/errors'
import { z } from 'zod'
import { OIDC_SETTINGS_SCHEMA, type OidcSettings } from '#config/oidc-settings.ts'
import { defaultTransferMemory, UPLOAD_MIB } from '#config/transfer-budget.ts'

/** Paths of PEM files: the certificate with its chain, and its private key. */
export interface CertificateFiles {
  certificate: string
  key: string
}

/** `http:` of telegram-backup.yaml. */
export interface HttpSettings {
  /**
   * How many proxies stand in front, or their addresses. With it, `X-Forwarded-For` is believed, and
   * `/metrics` always needs a key.
   */
  trust_proxy?: number | string | undefined
  /** Names by which browsers may ask, besides literal addresses and those of this machine itself. */
  hosts: readonly string[]
  /** Where people find the page, such as `https://backup.example/tb`; without a slash at its end. */
  public_url?: string | undefined
  /** Where people can sign in besides the page itself; the variables in it are not filled in. */
  oidc: readonly OidcSettings[]
  /** With one API key, or in the name of one person. */
  requests_per_minute: number
  /** With a wrong key, from one address. */
  failed_logins_per_minute: number
  /** In this process; each holds some parts in memory. */
  uploads_at_once: number
  downloads_at_once: number
  /** For uploads and downloads together, in MiB. */
  transfer_memory_mib: number
  /** Ends an upload or a download when the other side does nothing for so long. */
  stall_seconds: number
  /** Paths of PEM files, both or none: TLS with them. */
  certificate?: string | undefined
  certificate_key?: string | undefined
}

const NEAR = new Set(['loopback', 'linklocal', 'uniquelocal'])

/**
 * Such as `10.0.0.0/8, loopback`. express itself would refuse a wrong one at its start, without the setting.
 */
const ADDRESSES = z
  .string()
  .refine(
    text => text.split(',').every(part => isAddresses(part.trim())),
    'write how many proxies there are, or their addresses, as in "10.0.0.5, 192.168.0.0/16, loopback"',
  )

function isAddresses(text: string): boolean {
  if (NEAR.has(text)) return true
  // express knows no other form of an IPv4-mapped IPv6 address.
  const [, address = '', bits = '1'] = /^((?:::ffff:)?[\d.]+|[\da-f:]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? []
  const family = isIP(address)
  return family !== 0 && Number(bits) >= 1 && Number(bits) <= (family === 4 ? 32 : 128)
}

const COUNT = z.int('write a whole number').min(1, 'at least 1')

const HOST = z
  .string()
  .regex(/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i, 'write the name of a host without a port, as in "backup.example"')

const PUBLIC_URL = z
  .string()
  .refine(isPlain, 'write an address such as "https://backup.example", without user, password, "?" and "#"')
  .transform(text => text.replace(/\/+$/, ''))

function isPlain(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password, search, hash } = new URL(text)
  return /^https?:$/.test(protocol) && [username, password, search, hash].every(part => part === '')
}

const PATH = z.string('write the path of a PEM file').min(1, 'write the path of a PEM file')

export const HTTP_SETTINGS_SCHEMA: z.ZodType<HttpSettings> = z.strictObject({
  trust_proxy: z.union([COUNT, ADDRESSES], 'write how many proxies there are, or their addresses').optional(),
  hosts: z.array(HOST).default([]),
  public_url: PUBLIC_URL.optional(),
  oidc: OIDC_SETTINGS_SCHEMA.default([]),
  requests_per_minute: COUNT.default(300_000),
  failed_logins_per_minute: COUNT.default(60),
  uploads_at_once: COUNT.default(16),
  downloads_at_once: COUNT.default(16),
  transfer_memory_mib: z
    .int('write a whole number')
    .min(UPLOAD_MIB, `at least ${UPLOAD_MIB}, for one upload`)
    .default(defaultTransferMemory),
  stall_seconds: COUNT.default(60),
  certificate: PATH.optional(),
  certificate_key: PATH.optional(),
})

/** Without `http:` in the file. */
export const DEFAULT_HTTP_SETTINGS: HttpSettings = HTTP_SETTINGS_SCHEMA.parse({})

/** The files for TLS; undefined without TLS. Throws `CONFIGURATION` when one of them is missing. */
export function certificateFiles({
  certificate,
  certificate_key: key,
}: Pick<HttpSettings, 'certificate' | 'certificate_key'>): CertificateFiles | undefined {
  if (certificate !== undefined && key !== undefined) return { certificate, key }
  if (certificate === undefined && key === undefined) return undefined
  throw new BackupError('TLS needs a certificate and its key; only one of them is named', {
    code: 'CONFIGURATION',
    hint: hint`Give both ${option('certificate')} and ${option('certificate-key')}, or both certificate and certificate_key below "http:".`,
  })
}
