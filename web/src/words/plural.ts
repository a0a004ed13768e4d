type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }

/** The form of a word for a number: `plural('ru', 3, { one: 'файл', few: 'файла', other: 'файлов' })`. */
export function plural(language: string, count: number, forms: Forms): string {
  return forms[new Intl.PluralRules(language).select(count)] ?? forms.other
}
