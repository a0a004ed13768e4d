export const signIn = {
  title: 'Sign in',
  name: 'Name',
  password: 'Password',
  button: 'Sign in',
  /** Of a button in the field of a password; without that word, which is the name of the field. */
  showTyped: 'Show or hide what is typed',
  /** Above the command. */
  firstTime: 'First time here? Make the first administrator on the server, and open the link that it prints:',
  lost: 'Lost your password? A new link gets you in. An administrator makes one on the screen People, or on the server:',
  link: {
    title: 'Welcome',
    text: 'Choose a password for the next time. This link works once, for 15 minutes after it was made.',
    rule: '12 characters or more. Four words that do not belong together make a good one.',
    withoutPassword: 'Continue without a password',
    withoutHint: 'Without one you need a new link each time, and for acts that ask who you are.',
    missing: 'There is no link here',
    missingText:
      'The address of a link ends with # and a long word, which is taken out once it was read. Open the link again as you got it.',
    toSignIn: 'Sign in with a password',
  },
  strength: {
    label: 'Strength',
    missing: (count: number) => `${count} more ${count === 1 ? 'character' : 'characters'}`,
    weak: 'Weak: it is easy to guess',
    fair: 'Fair',
    good: 'Good',
  },
  problems: {
    wrong: 'The name or the password is wrong',
    wrongHint: 'Try again. After many wrong tries you have to wait.',
    usedLink: 'This link cannot be used any more',
    usedLinkHint:
      'It was used before, is older than 15 minutes, or was replaced by a newer one. Ask an administrator for a new one, or run this on the server: telegram-backup user link NAME',
    clearText: 'Signing in is not safe at this address',
    clearTextHint:
      'The page came over plain HTTP, so others on the network could read the password. Open it with https:// or on the server itself at http://localhost. To set that up, give serve a certificate, or name the proxy in front of it (trust_proxy).',
    tooMany: 'Too many wrong tries',
    wait: (time: string) => `Wait ${time}, then try again.`,
  },
  account: {
    sessions: 'My sessions',
    setPassword: 'Set a password',
    changePassword: 'Change password',
    newPassword: 'New password',
    passwordHint: 'Your other sessions end.',
    save: 'Save',
    saved: 'Your password is set',
  },
  again: {
    title: 'Is it you?',
    text: 'Your last proof is older than five minutes. Give your password to go on.',
    button: 'Continue',
    cancel: 'Cancel',
    wrong: 'The password is wrong',
    without:
      'This act asks who you are, and you have no password. Ask for a new link, choose a password when you open it, and repeat this.',
  },
}
