import type { Words } from '#words/en/index.ts'
import { plural } from '#words/plural.ts'

export const charts: Words['charts'] = {
  showAsTable: 'Показать таблицей',
  sizeChange: (change, since) => `${change} с ${since}`,
  sizeSame: since => `Без изменений с ${since}`,
  noRuns: 'Завершённых запусков пока нет.',
  noBackups: 'Резервных копий пока нет.',
  durations: of =>
    `${of.count} ${plural('ru', of.count, { one: 'запуск', few: 'запуска', other: 'запусков' })}${of.failed === 0 ? '' : `, с ошибкой: ${of.failed}`}. Обычно ${of.median}, не дольше ${of.longest}.`,
  durationsTable: 'Сколько длились запуски',
  when: 'Когда',
  took: 'Длительность',
  result: 'Результат',
  good: 'Успешно',
  failed: 'Ошибка',
  size: 'Размер',
  date: 'День',
  calendar: 'Календарь резервных копий',
  day: of =>
    of.good + of.failed === 0
      ? `${of.day}: копий нет`
      : `${of.day}: исправных копий: ${of.good}${of.good === 0 ? '' : ` (${of.size})`}${of.failed === 0 ? '' : `, с ошибкой или повреждённых: ${of.failed}`}`,
  dayStates: {
    good: 'Все исправны',
    partly: 'Часть с ошибкой или повреждена',
    failed: 'Ни одной исправной',
    none: 'Нет копий',
  },
  growth: 'Рост хранилища',
  groupBy: 'Линии',
  groups: { project: 'По проектам', type: 'По типам' },
  growthCut: count => `Учтены только последние копии (${count}).`,
  vaultHolds: (size, since) => `Существующие копии занимают ${size}. Самая старая создана ${since}.`,
}
