/* Types that newlib leaves to the machine: its own, but for inode numbers, which have 32 bits here. newlib is built with it. */
#ifndef _MACHINE__TYPES_H
#define _MACHINE__TYPES_H

#include <machine/_default_types.h>

typedef __uint32_t __ino_t;
#define __machine_ino_t_defined

#endif
