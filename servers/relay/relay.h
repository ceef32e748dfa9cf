/* Methods of a relay: by which gate it calls the next one, if at all. */
#ifndef RELAY_H
#define RELAY_H

#define RELAY_SYSENTER 0 /* word -> word + 1, from the relay at the end of the chain */
#define RELAY_INT 1      /* the same through INT 250 all the way */
#define RELAY_ECHO 2     /* word, from the very relay that is called */
#define RELAY_METHODS 3

#endif
