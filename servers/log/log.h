/* What the log service offers: it keeps what each service prints, with its name and the time. */
#ifndef LOG_H
#define LOG_H

#define LOG_SESSION 0   /* METHOD_SESSION_OPEN, slots of at least LOG_SLOT bytes */
#define LOG_WRITE 1     /* word: slot | bytes << 16: text, of which each complete line becomes an entry */
#define LOG_READ 2      /* word: slot. The slot begins with the number of the first entry wanted (DWORD). Entries as text follow
                           it, and that DWORD becomes the number of the next one. Reply: bytes of text; 0: no more yet */
#define LOG_METHODS 3

#define LOG_SLOT 4096u

#endif
