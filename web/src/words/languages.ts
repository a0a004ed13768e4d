import { en, type Words } from '#words/en/index.ts'

export const LANGUAGES = ['en', 'ru', 'de'] as const
export type Language = (typeof LANGUAGES)[number]

/** As each is called in itself. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = {
  en: 'English',
  ru: 'Русский',
  de: 'Deutsch',
}

/** English is there at once; the others come when they are asked for. */
export async function loadWords(language: Language): Promise<Words> {
  switch (language) {
    case 'en':
      return en
    case 'ru':
      return (await import('#words/ru/index.ts')).ru
    case 'de':
      return (await import('#words/de/index.ts')).de
  }
}

/** The first of the browser's languages that there are words in. */
export function languageOf(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const found = LANGUAGES.find(language => tag.toLowerCase().split('-')[0] === language)
    if (found !== undefined) return found
  }
  return 'en'
}

/** What the browser wants of the language, as `en-GB` of `en`; else the language itself. */
export function localeOf(language: Language, wanted: readonly string[]): string {
  const isOfLanguage = (tag: string): boolean => tag.toLowerCase().split('-')[0] === language
  // Some browsers name locales that no standard knows, such as `en-US@posix`.
  return wanted.find(tag => isOfLanguage(tag) && /^[a-z]+(-[a-z0-9]{2,8})*$/i.test(tag)) ?? language
}
