import { useLocalStorage } from '@mantine/hooks'
import { createContext, type ReactNode, use, useEffect, useState } from 'react'
import { en, type Words } from '#words/en/index.ts'
import { LANGUAGES, type Language, languageOf, loadWords } from '#words/languages.ts'

interface LanguageContext {
  language: Language
  words: Words
  choose(language: Language): void
}

const Context = createContext<LanguageContext>({ language: 'en', words: en, choose: () => {} })

export function LanguageProvider({ children }: { children: ReactNode }) {
  const [stored, choose] = useLocalStorage<Language>({
    key: 'telegram-backup language',
    defaultValue: languageOf(navigator.languages),
    getInitialValueInEffect: false,
    deserialize: text => LANGUAGES.find(language => language === text) ?? languageOf(navigator.languages),
    serialize: language => language,
  })
  const [shown, setShown] = useState<{ language: Language; words: Words } | undefined>(
    stored === 'en' ? { language: 'en', words: en } : undefined,
  )
  useEffect(() => {
    let isCurrent = true
    const show = (language: Language, words: Words): void => {
      if (!isCurrent) return
      document.documentElement.lang = language
      setShown({ language, words })
    }
    // A page in English is better than none.
    loadWords(stored).then(
      words => show(stored, words),
      () => show('en', en),
    )
    return () => {
      isCurrent = false
    }
  }, [stored])
  // Nothing in a language that the person has not chosen; the words come within moments.
  if (shown === undefined) return null
  return <Context value={{ ...shown, choose }}>{children}</Context>
}

export function useLanguage(): LanguageContext {
  return use(Context)
}

export function useWords(): Words {
  return use(Context).words
}
