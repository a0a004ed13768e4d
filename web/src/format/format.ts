import { useMemo } from 'react'
import { currentTime } from '#format/clock.ts'
import { useLanguage } from '#words/language.tsx'
import { LANGUAGES, type Language, localeOf } from '#words/languages.ts'

/** A step is 1,024 of the one before. */
const BYTE_UNITS: Readonly<Record<Language, readonly string[]>> = {
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
  readonly #locale: string
  /** The viewer's zone, such as `Europe/Berlin`. */
  readonly zone: string

  /** @param locale of the language, such as `en-GB`: it writes the same words, and other dates */
  constructor(
    language: Language,
    zone: string = Intl.DateTimeFormat().resolvedOptions().timeZone,
    locale: string = language,
  ) {
    this.#language = language
    this.#locale = locale
    this.zone = zone
  }

  number(value: number, options?: Intl.NumberFormatOptions): string {
    return new Intl.NumberFormat(this.#locale, options).format(value)
  }

  /** As `12.4 MiB`. */
  bytes(size: number): string {
    if (!Number.isFinite(size)) return UNKNOWN
    const units = BYTE_UNITS[this.#language]
    let [value, step] = [size, 0]
    // What is rounded to 1,024 is one of the next unit.
    while (value >= 1_023.95 && step < units.length - 1) {
      value /= 1_024
      step += 1
    }
    return `${this.number(value, { maximumFractionDigits: step === 0 ? 0 : 1 })} ${units[step]}`
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
    return this.#date(at, {
      dateStyle: 'medium',
      timeStyle: 'short',
      timeZone: zone,
    })
  }

  /** As `time`, with the name of the zone; the name alone where this browser does not know the zone. */
  timeIn(at: string | Date, zone: string): string {
    try {
      return `${this.time(at, zone)} (${zone})`
    } catch {
      return zone
    }
  }

  /** With seconds: for logs. */
  exactTime(at: string | Date): string {
    return this.#date(at, {
      dateStyle: 'short',
      timeStyle: 'medium',
      timeZone: this.zone,
    })
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
    return this.#date(at, {
      day: 'numeric',
      month: 'short',
      timeZone: this.zone,
    })
  }

  /** The hour and minute in the viewer's zone. */
  hour(at: string | Date): string {
    return this.#date(at, {
      hour: 'numeric',
      minute: '2-digit',
      timeZone: this.zone,
    })
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
    // "yesterday" would be wrong: 30 hours ago may be the day before yesterday.
    const numeric = unit === 'second' ? 'auto' : 'always'
    const value = Math.trunc(seconds / length)
    return new Intl.RelativeTimeFormat(this.#locale, { numeric }).format(value, unit)
  }

  list(items: readonly string[]): string {
    return new Intl.ListFormat(this.#locale, { type: 'conjunction' }).format(items)
  }

  #date(at: string | Date, options: Intl.DateTimeFormatOptions): string {
    const date = new Date(at)
    return Number.isNaN(date.getTime())
      ? UNKNOWN
      : new Intl.DateTimeFormat(this.#locale, options).format(date)
  }

  #unit(value: number, unit: string): string {
    return this.number(value, { style: 'unit', unit, unitDisplay: unit === 'day' ? 'long' : 'short' })
  }
}

const FORMATS: Readonly<Record<Language, Format>> = Object.fromEntries(
  LANGUAGES.map(language => [
    language,
    new Format(language, undefined, localeOf(language, navigator.languages)),
  ]),
) as Record<Language, Format>

/** In the language of the page. */
export function useFormat(): Format {
  const { language } = useLanguage()
  return useMemo(() => FORMATS[language], [language])
}
