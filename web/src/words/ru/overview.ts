import type { Words } from '#words/en/index.ts'
import type { SentenceFacts } from '#words/en/overview.ts'
import { plural } from '#words/plural.ts'

const SHOWN = 3

const listed = (names: readonly string[]): string =>
  `${names.slice(0, SHOWN).join(', ')}${names.length > SHOWN ? ` и ещё ${names.length - SHOWN}` : ''}`

const ofAll = (count: number, total: number): string =>
  total === 1
    ? 'Единственный источник'
    : `${count} из ${total} ${plural('ru', total, { one: 'источника', few: 'источников', other: 'источников' })}`

function sentence(of: SentenceFacts): string {
  const reasons = of.reasons.map(reason => `${reason}.`)
  const ofBuckets = bucketWords(of)
  if (of.total === 0) {
    const first = ofBuckets === '' ? 'Ничего не защищено: нет ни источников, ни резервных копий.' : ofBuckets
    return [first, ...reasons].join(' ')
  }
  const all = of.total === 1 ? 'Единственный источник' : `Все источники (${of.total})`

  const parts = [
    of.lost.length === 0 ? '' : `${ofAll(of.lost.length, of.total)} нельзя восстановить: ${listed(of.lost)}.`,
    of.late.length === 0
      ? ''
      : `${ofAll(of.late.length, of.total)} без исправной копии в пределах срока: ${listed(of.late)}.`,
    of.lost.length + of.late.length > 0
      ? ''
      : of.isChatAway
        ? `У всех источников есть исправная копия (${of.total}).`
        : `${all} можно восстановить.`,
    of.uneasy.length === 0 ? '' : `Требуют внимания: ${listed(of.uneasy)}.`,
    ofBuckets,
    ...reasons,
    of.unproven.length > 0
      ? `Ещё не проверены: ${listed(of.unproven)}.`
      : of.oldest === undefined
        ? ''
        : `Самая давняя проверка: ${of.oldest.name}, ${of.oldest.ago}.`,
  ]
  return parts.filter(part => part !== '').join(' ')
}

function bucketWords({ total, buckets, uneasyBuckets: uneasy }: SentenceFacts): string {
  if (uneasy.length > 0) return `Хранилища требуют внимания: ${listed(uneasy)}.`
  if (total > 0 || buckets === 0) return ''
  return buckets === 1 ? 'Единственное хранилище в порядке.' : `Все хранилища (${buckets}) в порядке.`
}

export const overview: Words['overview'] = {
  sentence,
  asOf: time => `По состоянию на ${time}`,
  upToDate: time => `Обновляется. Последнее изменение: ${time}`,
  stale: 'Связь прервана',
  staleText: time =>
    `Показано то, что было известно на ${time}. Страница продолжит сама, когда сервер ответит.`,
  states: { ok: 'Исправно', attention: 'Требует внимания', broken: 'Неисправно' },
  byHand: 'Отправлено вручную',
  byHandName: (project, type) => `${project}/${type} (вручную)`,
  sources: 'Источники',
  state: 'Состояние',
  source: 'Источник',
  newest: 'Последняя исправная копия',
  none: 'Нет',
  limit: span => `предел ${span}`,
  noLimit: 'без предела',
  allBackups: 'Все его копии',
  next: 'Следующий запуск',
  notScheduled: 'Нет расписания',
  due: 'Сейчас',
  proof: 'Последняя проверка',
  depths: {
    none: 'Ещё не проверено',
    messages: 'Сообщения есть в чате',
    bytes: 'Каждый байт как отправлен',
    restored: 'Пробно восстановлено',
    counts: 'Восстановлено, количества равны',
    dump: 'Восстановлено, равно дампу',
    contents: 'Восстановлено, содержимое равно',
  },
  proofFailed: 'Не удалась',
  toDrill: 'К проверке',
  restoreTime: 'Время восстановления',
  notMeasured: 'Ещё не измерено',
  notMeasuredHint: 'Его измеряет пробное восстановление',
  size: 'Размер',
  acts: 'Действия',
  backUpNow: 'Создать копию',
  backupBegun: name => `Копия ${name} запрошена. Задание видно ниже.`,
  noServe: 'Ни один работающий serve не знает этот источник, поэтому создать копию отсюда нельзя.',
  restore: 'Восстановить',
  verify: 'Проверить',
  verifyHint: 'Читает каждый байт последней исправной копии',
  verifyBegun: name => `Проверка ${name} запрошена: будет прочитан каждый байт.`,
  noSources: 'Источников пока нет',
  noSourcesText:
    'Добавьте источник в telegram-backup.yaml на сервере. Работающий serve прочтёт файл за несколько секунд:',
  noSourcesNext: 'Тогда источник появится здесь, и копию можно будет создать одной кнопкой.',
  noSourcesBound: 'В вашем проекте пока нет ни источников, ни копий. Их может добавить администратор.',
  running: 'Идут сейчас',
  noneRunning: 'Сейчас заданий нет.',
  lastDay: 'Последние 24 часа',
  noJobs: 'За последние 24 часа заданий не было.',
  lastDaySentence: of =>
    [
      `Выполнено: ${of.done}`,
      `с ошибкой: ${of.failed}`,
      ...(of.cancelled === 0 ? [] : [`отменено: ${of.cancelled}`]),
      ...(of.open === 0 ? [] : [`не завершено: ${of.open}`]),
    ].join(', '),
  sinceOnly: time => `Показаны последние задания, с ${time}; остальные в списке заданий.`,
  timeline: 'Задания по времени начала',
  allJobs: 'Все задания',
}
