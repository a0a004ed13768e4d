/** The fields of a JSON object from outside, read with checked types. */
export class CheckedObject {
  readonly #fields: Record<string, unknown>

  /** @throws TypeError when `value` is not an object, as all methods do for a field that does not fit */
  constructor(value: unknown) {
    if (!isRecord(value)) throw new TypeError('not a JSON object')
    this.#fields = value
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#fields, name)
  }

  isNull(name: string): boolean {
    return this.#field(name) === null
  }

  /** A whole number from `least` to 2^53 − 1. */
  integer(name: string, least = 0): number {
    const value = this.#field(name)
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) throw unfit(name)
    return value
  }

  /** A finite number from 0. */
  amount(name: string): number {
    const value = this.#field(name)
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw unfit(name)
    return value
  }

  /** One of these words. */
  oneOf<const Word extends string>(name: string, words: readonly Word[]): Word {
    const value = this.#field(name)
    const word = words.find(one => one === value)
    if (word === undefined) throw unfit(name)
    return word
  }

  boolean(name: string): boolean {
    const value = this.#field(name)
    if (typeof value !== 'boolean') throw unfit(name)
    return value
  }

  /** A string of at most `longest` UTF-16 units (1,024 by default). */
  text(name: string, longest = 1024): string {
    const value = this.#field(name)
    if (typeof value !== 'string' || value.length > longest) throw unfit(name)
    return value
  }

  /** A string of 1 to `longest` UTF-16 units that a database can store. */
  storable(name: string, longest: number): string {
    const value = this.text(name, longest)
    if (value === '' || value.includes('\0') || !value.isWellFormed()) throw unfit(name)
    return value
  }

  /** A string that `pattern` matches. */
  matching(name: string, pattern: RegExp): string {
    const value = this.text(name)
    if (!pattern.test(value)) throw unfit(name)
    return value
  }

  /** A time in ISO 8601 in UTC that exists: databases refuse the 31st of February. */
  time(name: string): string {
    const text = this.matching(name, ISO_TIME)
    const time = new Date(text)
    if (Number.isNaN(time.getTime()) || time.toISOString().slice(0, 19) !== text.slice(0, 19))
      throw unfit(name)
    return text
  }

  /** Up to 16 tags of a backup: each 1 to 64 letters, digits, dots, underscores, colons and hyphens. */
  tags(name: string): string[] {
    return this.array(name, { least: 0, most: MAX_TAGS }).map(tag => {
      if (typeof tag !== 'string' || !TAG.test(tag)) throw unfit(name)
      return tag
    })
  }

  object(name: string): CheckedObject {
    return new CheckedObject(this.record(name))
  }

  record(name: string): Record<string, unknown> {
    const value = this.#field(name)
    if (!isRecord(value)) throw unfit(name)
    return value
  }

  /** An array of `least` to `most` elements. */
  array(name: string, size: { least: number; most: number }): unknown[] {
    const value = this.#field(name)
    if (!Array.isArray(value) || value.length < size.least || value.length > size.most) throw unfit(name)
    return value
  }

  #field(name: string): unknown {
    return this.has(name) ? this.#fields[name] : undefined
  }
}

const MAX_TAGS = 16
const TAG = /^[A-Za-z0-9._:-]{1,64}$/

export const SHA256_HEX: RegExp = /^[0-9a-f]{64}$/

/** ISO 8601 in UTC. */
export const ISO_TIME: RegExp = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$/

export const UUID: RegExp = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The number before the colon of a bot's token. */
export const BOT_ID: RegExp = /^\d{1,20}$/

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unfit(name: string): TypeError {
  return new TypeError(`field "${name}" is missing or out of range`)
}
