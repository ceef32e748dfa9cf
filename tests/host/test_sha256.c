/* Unit tests of SHA-256: the vectors of FIPS 180-4, and the same sum however the bytes come in pieces. */
#include "unit.h"

#include "../../servers/utilities/sha256.c"

static void expect(const char *text, const char *digits)
{
    struct sha256 hash;
    char found[65];
    sha256_begin(&hash);
    sha256_add(&hash, text, (uint32_t)strlen(text));
    sha256_end(&hash, found);
    assert_string_equal(found, digits);
}

static void known_sums(void **state)
{
    (void)state;
    expect("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
           "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void a_million_letters_in_pieces(void **state)
{
    static char letters[1000];
    (void)state;
    random_start("pieces");
    memset(letters, 'a', sizeof(letters));
    struct sha256 hash;
    char found[65];
    sha256_begin(&hash);
    for (uint32_t left = 1000000, part; left > 0; left -= part) {
        part = random_below(sizeof(letters)) + 1;
        part = part < left ? part : left;
        sha256_add(&hash, letters, part);
    }
    sha256_end(&hash, found);
    assert_string_equal(found, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(known_sums), cmocka_unit_test(a_million_letters_in_pieces) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
