import type { Words } from '#words/en/index.ts'

export const states: Words['states'] = {
  loading: 'Загрузка…',
  failed: 'Не удалось загрузить',
  unreachable: 'Сервер не отвечает. Страница повторит попытку сама.',
  retry: 'Повторить',
  forbidden: 'Ваша роль этого не позволяет',
  forbiddenHint: 'Администратор может изменить вашу роль на экране «Люди».',
  notFound: 'Здесь ничего нет',
  notFoundHint: 'Возможно, это удалено или относится к проекту, который вам не виден.',
  toOverview: 'К обзору',
  closeNotice: 'Закрыть уведомление',
  more: 'Показать ещё',
  close: 'Закрыть',
}
