/* What init's endpoint offers: method numbers and the meaning of their words. Programs use it through server.h. */
#ifndef INIT_H
#define INIT_H

#include <stdint.h>

/* A name travels as its hash, because a call carries one DWORD. init refuses a list in which two names have the same
 * hash, and answers a look-up with a second, independent hash of the name that it found, so that a name that is not in
 * the list is never taken for one that is. */
#define INIT_FIND 0         /* word: name_hash(name, NAME_HASH_ASK). Reply: name_hash(name, NAME_HASH_ANSWER) and an
                               endpoint handle. E_BUSY: not announced yet, ask again; E_PEER_DIED: it has ended or could
                               not be started; E_NOT_FOUND */
#define INIT_ENDPOINT 1     /* word: ENDPOINT_* flags | cap << 8. Reply: a handle of an endpoint with these properties,
                               from now on the caller's in place of its first. E_BAD_STATE: announced already */
#define INIT_ANNOUNCE 2     /* the caller serves now */
#define INIT_MACHINE_EXIT 3 /* word: exit code of the machine */
#define INIT_METHODS 4

#define NAME_HASH_ASK 0x811C9DC5u
#define NAME_HASH_ANSWER 0x9747B28Cu

/* FNV-1a, begun at `seed`. */
static inline uint32_t name_hash(const char *name, uint32_t seed)
{
    uint32_t hash = seed;
    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * 16777619u;
    return hash;
}

#endif
