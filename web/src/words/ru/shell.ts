import type { Words } from '#words/en/index.ts'

export const shell: Words['shell'] = {
  overview: 'Обзор',
  backups: 'Резервные копии',
  jobs: 'Задания',
  schedules: 'Расписания',
  sources: 'Источники',
  buckets: 'Хранилища',
  proof: 'Проверки',
  people: 'Люди',
  audit: 'Журнал',
  skipToContent: 'К содержанию',
  navigation: 'Навигация',
  openNavigation: 'Открыть навигацию',
  closeNavigation: 'Закрыть навигацию',
  language: 'Язык',
  theme: { label: 'Цвета', light: 'Светлая', dark: 'Тёмная', auto: 'Как в системе' },
  account: name => `Учётная запись ${name}`,
  allProjects: 'все проекты',
  signOut: 'Выйти',
  live: {
    connecting: 'Подключение…',
    live: 'Обновляется',
    interrupted: 'Связь потеряна. Подключаемся снова…',
  },
  roles: {
    viewer: 'Наблюдатель',
    operator: 'Оператор',
    restorer: 'Восстановление',
    admin: 'Администратор',
  },
}
