import type { Words } from '#words/en/index.ts'

export const alerts: Words['alerts'] = {
  kinds: {
    no_backup: {
      title: 'Исправной резервной копии нет',
      act: 'Создайте копию сейчас или посмотрите, почему задания не удались',
    },
    backup_overdue: {
      title: 'Последняя исправная копия старше предела',
      act: 'Создайте копию сейчас или посмотрите, почему задания не удались',
    },
    backup_failed: { title: 'Последнее копирование не удалось', act: 'Посмотреть, что не удалось' },
    backup_held_up: { title: 'Копирование не удаётся, попытки продолжаются', act: 'Посмотреть, что мешает' },
    backup_small: {
      title: 'Последняя копия подозрительно мала',
      act: 'Проверьте, не потерял ли источник данные, и сравните копии',
    },
    backup_damaged: { title: 'Часть копий повреждена', act: 'Посмотреть какие; проверить их или стереть' },
    drill_differs: { title: 'Восстановленная копия отличается от источника', act: 'Посмотреть различия' },
    drill_failed: { title: 'Последнее пробное восстановление не удалось', act: 'Посмотреть почему' },
    drill_overdue: { title: 'Пробного восстановления не было в срок', act: 'Посмотреть проверки' },
    schedule_off: { title: 'Расписание выключено', act: 'Включить его или удалить' },
    jobs_waiting: { title: 'Задание ждёт слишком долго', act: 'Посмотреть задания' },
    erase_failed: { title: 'Часть сообщений не удаётся стереть', act: 'Посмотреть, каких копий' },
    notices_waiting: {
      title: 'Уведомления не доставляются',
      act: 'Проверьте каждый способ на сервере: telegram-backup notify-test',
    },
    chat_unreachable: {
      title: 'Чат недоступен',
      act: 'Чтобы узнать причину, выполните на сервере: telegram-backup doctor',
    },
    chat_not_ours: {
      title: 'Чат принадлежит другому каталогу',
      act: 'Чтобы узнать причину, выполните на сервере: telegram-backup doctor',
    },
    config_unusable: {
      title: 'Файл настроек непригоден',
      act: 'Чтобы узнать причину, выполните на сервере: telegram-backup config check',
    },
    certificate_unusable: {
      title: 'Новый сертификат непригоден',
      act: 'Замените файлы сертификата на сервере',
    },
    snapshot_overdue: {
      title: 'Слишком давно нет нового снимка',
      act: 'Проверьте программу, которая пишет в это хранилище',
    },
    bucket_damaged: {
      title: 'Объекты хранилища повреждены',
      act: 'Чтобы узнать какие, выполните на сервере: telegram-backup verify --bucket NAME --read-data',
    },
    source_unusable: {
      title: 'Настройки источника непригодны: копию создать нельзя',
      act: 'Чтобы узнать причину, выполните на сервере: telegram-backup config check',
    },
    not_configured: {
      title: 'Его больше не называет ни файл настроек, ни расписание; копии остаются',
      act: '',
    },
    no_service: {
      title: 'Расписания никто не выполняет',
      act: 'Запустите на сервере: telegram-backup serve',
    },
    recovery_key_not_confirmed: {
      title: 'Ключ восстановления, возможно, есть только на этой машине',
      act: 'Скопируйте его на другую машину и подтвердите на сервере: telegram-backup init',
    },
    catalog_unreachable: {
      title: 'Каталог недоступен',
      act: 'Чтобы узнать причину, выполните на сервере: telegram-backup doctor',
    },
  },
  title: 'Открытые тревоги',
  none: 'Открытых тревог нет.',
  lasting: span => `уже ${span}`,
  mute: 'Не уведомлять',
  muteHint: 'Уведомления не отправляются; само состояние не меняется.',
  muteFor: hours => `${hours} ч`,
  muteForLong: (hours, about) => `Не уведомлять ${hours} ч: ${about}`,
  mutedUntil: time => `Без уведомлений до ${time}`,
  unmute: 'Снова уведомлять',
  muted: 'Уведомления о тревоге отключены',
  unmuted: 'Уведомления о тревоге снова включены',
}
