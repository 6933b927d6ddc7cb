/* What one process pays SoftHSM2: initialising, a login, AES keys that stay.
 *
 *	p11loop MODULE PIN KEYS
 *
 * prints milliseconds: C_Initialize, C_Login, the median of the keys. Only what of PKCS #11 is
 * used here is declared, so that no header has to be installed. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef unsigned long ulong;
typedef struct { ulong type; void *value; ulong size; } attribute;
typedef struct { ulong type; void *parameter; ulong size; } mechanism;

enum { USER = 1, RW_SESSION = 2 | 4, AES_KEY_GEN = 0x1080 };
enum { TOKEN = 1, PRIVATE = 2, LABEL = 3, VALUE_LEN = 0x161 };

static void *module;

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void *function(const char *name) {
	void *f = dlsym(module, name);
	if (!f) { fprintf(stderr, "p11loop: no %s\n", name); exit(1); }
	return f;
}

static void must(const char *what, ulong rv) {
	if (rv) { fprintf(stderr, "p11loop: %s: 0x%lx\n", what, rv); exit(1); }
}

static int ascending(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

enum { MOST = 10000 };
static double took[MOST];

int main(int argc, char **argv) {
	int keys = argc == 4 ? atoi(argv[3]) : 0;
	if (keys < 1 || keys > MOST || !(module = dlopen(argv[1], RTLD_NOW))) return 2;
	ulong (*initialize)(void *) = function("C_Initialize");
	ulong (*slots)(unsigned char, ulong *, ulong *) = function("C_GetSlotList");
	ulong (*session)(ulong, ulong, void *, void *, ulong *) = function("C_OpenSession");
	ulong (*login)(ulong, ulong, char *, ulong) = function("C_Login");
	ulong (*generate)(ulong, mechanism *, attribute *, ulong, ulong *) = function("C_GenerateKey");

	double began = now();
	must("C_Initialize", initialize(NULL));
	double up = now();
	ulong slot[8], n = 8, s, key, size = 32;
	must("C_GetSlotList", slots(1, slot, &n));
	must("C_OpenSession", session(slot[0], RW_SESSION, NULL, NULL, &s));
	double asked = now();
	must("C_Login", login(s, USER, argv[2], strlen(argv[2])));
	double in = now();

	unsigned char yes = 1;
	attribute set[] = {{TOKEN, &yes, 1}, {PRIVATE, &yes, 1}, {LABEL, "loop", 4}, {VALUE_LEN, &size, sizeof size}};
	mechanism m = {AES_KEY_GEN, NULL, 0};
	for (int i = 0; i < keys; i++) {
		double start = now();
		must("C_GenerateKey", generate(s, &m, set, 4, &key));
		took[i] = now() - start;
	}
	qsort(took, keys, sizeof took[0], ascending);
	printf("%f %f %f\n", up - began, in - asked, took[keys / 2]);
	return 0;
}
