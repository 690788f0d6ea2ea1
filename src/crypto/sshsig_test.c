/* Unit tests of crypto/sshsig.h: vectors, real ssh-keygen, twisted ones. */
#include "base/enc.h"
#include "base/file.h"
#include "base/unit.h"
#include "crypto/testing.h"

#include <fcntl.h>
#include <stdlib.h>

#define KEYGEN "/usr/bin/ssh-keygen"
#define NS "decision@weighhouse"
#define MESSAGE WH_S("weighhouse decision v1\nact open\n")

/* Made elsewhere and accepted by ssh-keygen 9.2: seed 00..1f. */
#define VECTOR_MESSAGE WH_S("weighhouse approval v1\ndecision=release\n")
#define VECTOR_NS WH_S("approval@weighhouse.example")
static const char *const VECTORS[] = {
    "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ"
    "1fHdyGZBJVMbgAAAAbYXBwcm92YWxAd2VpZ2hob3VzZS5leGFtcGxlAAAAAAAAAAZzaGE1MTIA"
    "AABTAAAAC3NzaC1lZDI1NTE5AAAAQDIKuXaLsGT0yHM/HuOOMs/+VEmCtkI0mfL9N8UTTeeOSd"
    "hI89OIi1tpYJbPwBVZ60H8K+9n68BiUjGv/arIMQA=",
    "U1NIU0lHAAAAAQAAAEoAAAAac2stc3NoLWVkMjU1MTlAb3BlbnNzaC5jb20AAAAgA6EHv/POEL"
    "4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbgAAAAEc3NoOgAAABthcHByb3ZhbEB3ZWlnaGhvdXNl"
    "LmV4YW1wbGUAAAAAAAAABnNoYTUxMgAAAGcAAAAac2stc3NoLWVkMjU1MTlAb3BlbnNzaC5jb2"
    "0AAABAyQY1YiYY/5P05xrZ5S+IL/Nv4nJ+uNTjopVjBRPNGyGk6C59HPb0tglmWM1612XQmgLi"
    "CdkhqCaSNA5TPi/4AQUAAAAq",
};

static int open_arena(void **state)
{
    static struct wh_arena a;
    wh_arena_init(&a, 16U << 20);
    *state = &a;
    return 0;
}

static int close_arena(void **state)
{
    wh_arena_done(*state);
    return 0;
}

static bool check(struct wh_str blob, const char *ns, struct wh_str message,
                  struct wh_err *err)
{
    struct crypto_sshsig s;
    return crypto_sshsig_read(blob, &s, err) &&
           crypto_sshsig_verify(&s, wh_str_of(ns), message, err);
}

static void vectors(void **state)
{
    for (size_t i = 0; i < sizeof VECTORS / sizeof *VECTORS; i++) {
        uint8_t *blob = wh_arena_alloc(*state, CRYPTO_SSHSIG_MAX);
        struct crypto_sshsig s;
        struct wh_err err;
        size_t n;
        assert_true(
            wh_base64_dec(wh_str_of(VECTORS[i]), blob, CRYPTO_SSHSIG_MAX, &n));
        unit_ok(crypto_sshsig_read(wh_str_mem(blob, n), &s, &err), err);
        unit_ok(crypto_sshsig_verify(&s, VECTOR_NS, VECTOR_MESSAGE, &err), err);
        assert_int_equal(s.flags, i == 0 ? 0 : 5);
        assert_int_equal(s.counter, i == 0 ? 0 : 42);
        unit_fails(crypto_sshsig_verify(&s, VECTOR_NS, MESSAGE, &err), err,
                   WH_FORBIDDEN);
        for (size_t k = 0; k < n; k++) { /* every bit of it matters */
            blob[k] ^= 0x10;
            assert_false(check(wh_str_mem(blob, n),
                               "approval@weighhouse.example", VECTOR_MESSAGE,
                               &err));
            blob[k] ^= 0x10;
        }
        for (size_t k = 0; k < n; k++) { /* and its length */
            assert_false(crypto_sshsig_read(wh_str_mem(blob, k), &s, &err));
        }
    }
}

static void every_kind(void **state)
{
    for (int t = 0; t < CRYPTO_SSH_TYPES; t++) {
        struct testssh k, other;
        struct wh_err err;
        struct crypto_ssh_key read;
        char x[WH_SHA256_HEX + 1], y[WH_SHA256_HEX + 1];
        testssh_key(*state, (enum crypto_ssh_type)t, 1, &k);
        testssh_key(*state, (enum crypto_ssh_type)t, 2, &other);
        const char *hashes[] = {"sha512", "sha256"};
        for (int i = 0; i < 16; i++) { /* mpints of every shape */
            struct testssh_how how = {.hash = hashes[i % 2],
                                      .counter = (uint32_t)i};
            struct wh_str s = testssh_sign(*state, &k, NS, MESSAGE, &how);
            unit_ok(check(s, NS, MESSAGE, &err), err);
        }
        unit_ok(crypto_ssh_key_line(
                    *state,
                    wh_arena_fmt(*state, "%.*s ada@x\n", WH_FMT(k.line)), &read,
                    &err),
                err);
        assert_true(wh_str_eq(read.blob, k.blob));
        crypto_ssh_key_print(&read, x);
        wh_sha256_hex_of(other.blob, y);
        assert_string_not_equal(x, y);
        assert_int_equal(crypto_ssh_type_sk(k.type), t >= 2);
        testssh_done(&k);
        testssh_done(&other);
    }
}

static void refused(void **state)
{
    static const struct {
        const char *what;
        struct testssh_how how;
        enum wh_code code;
    } ROWS[] = {
        {"another hash", {.hash = "sha1"}, WH_BAD_REQUEST},
        {"something reserved", {.reserved = "x"}, WH_BAD_REQUEST},
        {"another version", {.version = 2}, WH_BAD_REQUEST},
        {"another type inside", {.other_inner_type = true}, WH_BAD_REQUEST},
        {"bytes behind it", {.tail = true}, WH_BAD_REQUEST},
        {"bytes inside it", {.inner_tail = true}, WH_BAD_REQUEST},
    };
    for (int t = 0; t < CRYPTO_SSH_TYPES; t++) {
        struct testssh k;
        struct wh_err err;
        testssh_key(*state, (enum crypto_ssh_type)t, 1, &k);
        for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
            struct wh_str s =
                testssh_sign(*state, &k, NS, MESSAGE, &ROWS[i].how);
            unit_fails(check(s, NS, MESSAGE, &err), err, ROWS[i].code);
        }
        struct wh_str s = testssh_sign(*state, &k, NS, MESSAGE, NULL);
        unit_fails(check(s, "dissent@weighhouse", MESSAGE, &err), err,
                   WH_FORBIDDEN);
        unit_fails(
            check(s, NS, WH_S("weighhouse decision v1\nact host\n"), &err), err,
            WH_FORBIDDEN);
        s = testssh_sign(*state, &k, "", MESSAGE, NULL);
        unit_fails(check(s, "", MESSAGE, &err), err, WH_BAD_REQUEST);
        testssh_done(&k);
    }
}

/* ssh-keygen -Y verify says "Good" to the second of these. */
static void nobody_present(void **state)
{
    static const struct testssh_how ROWS[] = {{.no_flags = true},
                                              {.flags = CRYPTO_SSH_VERIFIED}};
    for (int t = CRYPTO_SSH_SK_ED25519; t <= CRYPTO_SSH_SK_P256; t++) {
        struct testssh k;
        struct wh_err err;
        testssh_key(*state, (enum crypto_ssh_type)t, 1, &k);
        for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
            struct wh_str s = testssh_sign(*state, &k, NS, MESSAGE, &ROWS[i]);
            unit_fails(check(s, NS, MESSAGE, &err), err, WH_FORBIDDEN);
            assert_non_null(strstr(err.msg, "present"));
        }
        testssh_done(&k);
    }
}

static void small_order(void **state)
{
    static const char *const POINTS[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    (void)state;
    for (size_t i = 0; i < sizeof POINTS / sizeof *POINTS; i++) {
        uint8_t blob[51] = "\0\0\0\013ssh-ed25519\0\0\0\040";
        struct crypto_ssh_key k;
        struct wh_err err;
        assert_true(wh_hex_dec(wh_str_of(POINTS[i]), blob + 19, 32, false));
        unit_fails(crypto_ssh_key_read(wh_str_mem(blob, sizeof blob), &k, &err),
                   err, WH_BAD_REQUEST);
    }
}

static void lines(void **state)
{
    static const char *const BAD[] = {
        "",
        "ssh-ed25519",
        "ssh-ed25519 ",
        "ssh-ed25519 AAAA",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ==",
        "ecdsa-sha2-nistp256 "
        "AAAAC3NzaC1lZDI1NTE5AAAAIAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
        "command=\"x\" ssh-ed25519 "
        "AAAAC3NzaC1lZDI1NTE5AAAAIAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
        "ssh-ed25519 "
        "AAAAC3NzaC1lZDI1NTE5AAAAIAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4\n"
        "ssh-ed25519 x",
    };
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct crypto_ssh_key k;
        struct wh_err err;
        unit_fails(crypto_ssh_key_line(*state, wh_str_of(BAD[i]), &k, &err),
                   err, WH_BAD_REQUEST);
    }
}

static void armour(void **state)
{
    static const char *const BAD[] = {
        "",
        "-----BEGIN SSH SIGNATURE-----\n",
        "-----BEGIN SSH SIGNATURE-----\nAAAA\n",
        "-----BEGIN SSH SIGNATURE-----\nAA A\n-----END SSH SIGNATURE-----\n",
        "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\nx",
        "-----BEGIN PGP SIGNATURE-----\nAAAA\n-----END PGP SIGNATURE-----\n",
    };
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct wh_str blob;
        struct wh_err err;
        unit_fails(
            crypto_sshsig_unarmor(*state, wh_str_of(BAD[i]), &blob, &err), err,
            WH_BAD_REQUEST);
    }
}

/* ---- the real tool ---- */

static void run(const char *const *argv)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        if (dup2(null, 0) == 0 && dup2(null, 1) == 1 && dup2(null, 2) == 2) {
            union { /* execv does not write to them */
                const char *const *in;
                char *const *out;
            } u = {.in = argv};
            execv(KEYGEN, u.out);
        }
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static struct wh_str read_text(struct wh_arena *a, const char *path)
{
    struct wh_str s;
    struct wh_err err;
    unit_ok(wh_file_read(a, path, CRYPTO_SSHSIG_TEXT, &s, &err), err);
    return s;
}

static void real_keygen(void **state)
{
    static const struct {
        const char *type, *bits, *hash;
    } ROWS[] = {{"ed25519", "256", "hashalg=sha512"},
                {"ed25519", "256", "hashalg=sha256"},
                {"ecdsa", "256", "hashalg=sha512"}};
    char dir[] = "/tmp/sshsig-test-XXXXXX", key[64], pub[64], text[64], sig[64];
    struct wh_err err;
    if (access(KEYGEN, X_OK) != 0) {
        print_message("no %s here: real signatures are not tried\n", KEYGEN);
        return;
    }
    assert_non_null(mkdtemp(dir));
    (void)snprintf(key, sizeof key, "%s/key", dir);
    (void)snprintf(pub, sizeof pub, "%s/key.pub", dir);
    (void)snprintf(text, sizeof text, "%s/text", dir);
    (void)snprintf(sig, sizeof sig, "%s/text.sig", dir);
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct wh_str blob;
        struct wh_buf again;
        struct crypto_ssh_key k;
        struct crypto_sshsig s;
        unit_ok(wh_file_write_atomic(text, MESSAGE, 0600, &err), err);
        run((const char *const[]){KEYGEN, "-q", "-t", ROWS[i].type, "-b",
                                  ROWS[i].bits, "-N", "", "-C", "ada", "-f",
                                  key, NULL});
        run((const char *const[]){KEYGEN, "-Y", "sign", "-f", key, "-n", NS,
                                  "-O", ROWS[i].hash, text, NULL});
        struct wh_str armoured = read_text(*state, sig);
        unit_ok(crypto_ssh_key_line(*state, read_text(*state, pub), &k, &err),
                err);
        unit_ok(crypto_sshsig_unarmor(*state, armoured, &blob, &err), err);
        unit_ok(crypto_sshsig_read(blob, &s, &err), err);
        unit_ok(crypto_sshsig_verify(&s, WH_S(NS), MESSAGE, &err), err);
        assert_true(wh_str_eq(s.key.blob, k.blob));
        wh_buf_init(&again, CRYPTO_SSHSIG_TEXT);
        crypto_sshsig_armor(blob, &again);
        assert_true(wh_str_eq(wh_buf_str(&again), armoured));
        wh_buf_done(&again);
        (void)unlink(key);
        (void)unlink(pub);
        (void)unlink(sig);
    }
    (void)unlink(text);
    (void)rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),     cmocka_unit_test(every_kind),
        cmocka_unit_test(refused),     cmocka_unit_test(nobody_present),
        cmocka_unit_test(small_order), cmocka_unit_test(lines),
        cmocka_unit_test(armour),      cmocka_unit_test(real_keygen),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
