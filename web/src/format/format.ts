import { useMemo } from 'react'
import { currentTime } from '#format/clock.ts'
import { useLanguage } from '#words/language.tsx'
import { LANGUAGES, type Language } from '#words/languages.ts'

const UNITS = ['byte', 'kibibyte', 'mebibyte', 'gibibyte', 'tebibyte'] as const
const SHORT: Readonly<Record<Language, readonly string[]>> = {
  en: ['B', 'KiB', 'MiB', 'GiB', 'TiB'],
  ru: ['Б', 'КиБ', 'МиБ', 'ГиБ', 'ТиБ'],
  de: ['B', 'KiB', 'MiB', 'GiB', 'TiB'],
}

const PER_SECOND: Readonly<Record<Language, string>> = { en: 's', ru: 'с', de: 's' }

/** For a value that is none: one wrong field must not take the whole screen away. */
const UNKNOWN = '–'

/** How the page writes numbers, sizes and times in one language, in the viewer's zone. */
export class Format {
  readonly #language: Language
  /** The viewer's zone, such as `Europe/Berlin`. */
  readonly zone: string

  constructor(language: Language, zone: string = Intl.DateTimeFormat().resolvedOptions().timeZone) {
    this.#language = language
    this.zone = zone
  }

  number(value: number, options?: Intl.NumberFormatOptions): string {
    return new Intl.NumberFormat(this.#language, options).format(value)
  }

  /** As `12.4 MiB`. */
  bytes(size: number): string {
    if (!Number.isFinite(size)) return UNKNOWN
    const step = size < 1_024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(size) / 10))
    const value = this.number(size / 1_024 ** step, { maximumFractionDigits: step === 0 ? 0 : 1 })
    return `${value} ${SHORT[this.#language][step]}`
  }

  /** As `1.2 MiB/s`. */
  speed(bytesPerSecond: number): string {
    return `${this.bytes(bytesPerSecond)}/${PER_SECOND[this.#language]}`
  }

  /** As `+12 %`; `value` is 0.12. */
  change(value: number): string {
    return this.number(value, { style: 'percent', maximumFractionDigits: 0, signDisplay: 'exceptZero' })
  }

  /** A limit, as `26 hours`: one unit, days from two on, and a fraction where it has one. */
  span(seconds: number): string {
    const [unit, length] =
      seconds < 60
        ? (['second', 1] as const)
        : seconds < 3_600
          ? (['minute', 60] as const)
          : seconds < 172_800
            ? (['hour', 3_600] as const)
            : (['day', 86_400] as const)
    const options = { style: 'unit', unit, unitDisplay: 'long', maximumFractionDigits: 1 } as const
    return this.number(seconds / length, options)
  }

  /** As `2 h 5 min`; at most two units. */
  seconds(seconds: number): string {
    if (!Number.isFinite(seconds)) return UNKNOWN
    const whole = Math.max(0, Math.round(seconds))
    const parts: [number, string][] = [
      [Math.floor(whole / 86_400), 'day'],
      [Math.floor(whole / 3_600) % 24, 'hour'],
      [Math.floor(whole / 60) % 60, 'minute'],
      [whole % 60, 'second'],
    ]
    const first = parts.findIndex(([value]) => value > 0)
    if (first === -1) return this.#unit(0, 'second')
    return parts
      .slice(first, first + 2)
      .filter(([value]) => value > 0)
      .map(([value, unit]) => this.#unit(value, unit))
      .join(' ')
  }

  /** Date and time in the viewer's zone, or in the one that is given. */
  time(at: string | Date, zone: string = this.zone): string {
    return this.#date(at, { dateStyle: 'medium', timeStyle: 'short', timeZone: zone })
  }

  /**
   * The same in the zone of a source, which is named. A browser may not know a zone that the server knows.
   */
  timeThere(at: string | Date, zone: string): string {
    try {
      return `${this.time(at, zone)} (${zone})`
    } catch {
      return `(${zone})`
    }
  }

  /** With seconds: for logs. */
  exactTime(at: string | Date): string {
    return this.#date(at, { dateStyle: 'short', timeStyle: 'medium', timeZone: this.zone })
  }

  date(at: string | Date): string {
    return this.#date(at, { dateStyle: 'medium', timeZone: this.zone })
  }

  /** A day and its month, as `1 Dec`; `day` is `2026-12-01`, in no zone. */
  day(day: string, options: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'short' }): string {
    return this.#date(`${day}T00:00:00Z`, { ...options, timeZone: 'UTC' })
  }

  /** As `1 Dec`, of a time in the viewer's zone. */
  monthDay(at: string | Date): string {
    return this.#date(at, { day: 'numeric', month: 'short', timeZone: this.zone })
  }

  /** The hour and minute in the viewer's zone. */
  hour(at: string | Date): string {
    return this.#date(at, { hour: 'numeric', minute: '2-digit', timeZone: this.zone })
  }

  /** A time of day, as `3:00 AM` or `03:00`; `time` is `03:00`, in no zone. */
  clock(time: string): string {
    return this.#date(`2026-01-01T${time}:00Z`, { timeStyle: 'short', timeZone: 'UTC' })
  }

  /** As `3 days ago` or `in 2 hours`. */
  relative(at: string | Date, now: Date = new Date(currentTime())): string {
    const seconds = (new Date(at).getTime() - now.getTime()) / 1_000
    if (Number.isNaN(seconds)) return UNKNOWN
    const size = Math.abs(seconds)
    const [unit, length] =
      size < 60
        ? (['second', 1] as const)
        : size < 3_600
          ? (['minute', 60] as const)
          : size < 86_400
            ? (['hour', 3_600] as const)
            : (['day', 86_400] as const)
    const value = Math.trunc(seconds / length)
    return new Intl.RelativeTimeFormat(this.#language, { numeric: 'auto' }).format(value, unit)
  }

  list(items: readonly string[]): string {
    return new Intl.ListFormat(this.#language, { type: 'conjunction' }).format(items)
  }

  #date(at: string | Date, options: Intl.DateTimeFormatOptions): string {
    const date = new Date(at)
    return Number.isNaN(date.getTime())
      ? UNKNOWN
      : new Intl.DateTimeFormat(this.#language, options).format(date)
  }

  #unit(value: number, unit: string): string {
    return this.number(value, { style: 'unit', unit, unitDisplay: unit === 'day' ? 'long' : 'short' })
  }
}

const FORMATS: Readonly<Record<Language, Format>> = Object.fromEntries(
  LANGUAGES.map(language => [language, new Format(language)]),
) as Record<Language, Format>

/** In the language of the page. */
export function useFormat(): Format {
  const { language } = useLanguage()
  return useMemo(() => FORMATS[language], [language])
}
