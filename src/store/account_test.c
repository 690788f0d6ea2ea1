/* Tests of accounts and membership (account.c). */
#include "db/fault.h"
#include "db/testdb.h"
#include "store/account.h"
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on

static int open_t(void **state)
{
    static struct testdb t;
    testdb_open(&t);
    *state = &t;
    return 0;
}

static int close_t(void **state)
{
    testdb_close(*state);
    return 0;
}

static int64_t make(struct db *db, const char *name, int64_t org_owner)
{
    struct wh_err err = {0};
    struct store_account a = {0};
    struct store_account_new in = {
        .org = org_owner != 0, .name = wh_str_of(name), .owner = org_owner};
    if (!store_account_create(db, &in, &a, &err)) {
        fail_msg("%s: %s %s", name, err.msg, err.detail);
    }
    return a.id;
}

static enum store_role role_of(struct db *db, int64_t ns, int64_t account)
{
    struct wh_err err = {0};
    enum store_role r = STORE_ROLE_FINE;
    assert_true(store_member_role(db, ns, account, &r, &err));
    return r;
}

static void test_create_and_find(void **state)
{
    struct testdb *t = *state;
    struct wh_err err = {0};
    struct store_account a, b;
    struct store_account_new in = {.name = WH_S("Ada-L"),
                                   .fullname = WH_S("Ad\xc3\xa9"),
                                   .email = WH_S("a@b.example"),
                                   .is_operator = true};
    assert_true(store_account_create(t->db, &in, &a, &err));
    assert_int_equal(strlen(a.public_id), STORE_PUBLIC_ID_LEN);
    assert_string_equal(a.name, "Ada-L");
    assert_string_equal(a.fullname, "Ad\xc3\xa9");
    assert_string_equal(a.email, "a@b.example");
    assert_true(a.is_operator && !a.org && !a.disabled);
    assert_true(a.created > 0);
    assert_true(store_account_by_name(t->db, WH_S("ADA-l"), &b, &err));
    assert_memory_equal(&a, &b, sizeof a);
    assert_true(store_account_by_id(t->db, a.id, &b, &err));
    assert_string_equal(b.public_id, a.public_id);
    assert_false(store_account_by_name(t->db, WH_S("ada"), &b, &err));
    assert_int_equal(err.code, WH_NOT_FOUND);
}

static void test_create_refusals(void **state)
{
    struct testdb *t = *state;
    static char long_name[200];
    memset(long_name, 'x', sizeof long_name - 1);
    make(t->db, "ada", 0);
    const struct {
        struct store_account_new in;
        enum wh_code code;
    } cases[] = {
        {{.name = WH_S("ADA")}, WH_CONFLICT},
        {{.name = WH_S("api")}, WH_BAD_NAME},
        {{.name = WH_S("a b")}, WH_BAD_NAME},
        {{.name = WH_S("bob"), .fullname = WH_S("\xff")}, WH_BAD_REQUEST},
        {{.name = WH_S("bob"), .fullname = WH_S("a\0b")}, WH_BAD_REQUEST},
        {{.name = WH_S("bob"), .fullname = wh_str_of(long_name)},
         WH_BAD_REQUEST},
        {{.name = WH_S("bob"), .org = true, .owner = 999}, WH_NOT_FOUND},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wh_err err = {0};
        struct store_account a;
        assert_false(store_account_create(t->db, &cases[i].in, &a, &err));
        assert_int_equal(err.code, cases[i].code);
    }
}

static void test_membership(void **state)
{
    struct testdb *t = *state;
    struct wh_err err = {0};
    int64_t ada = make(t->db, "ada", 0), bob = make(t->db, "bob", 0);
    int64_t demo = make(t->db, "demo", ada);
    assert_int_equal(role_of(t->db, demo, ada), STORE_ROLE_ADMIN);
    assert_int_equal(role_of(t->db, demo, bob), STORE_ROLE_NONE);
    assert_int_equal(role_of(t->db, bob, bob), STORE_ROLE_ADMIN);
    assert_int_equal(role_of(t->db, ada, bob), STORE_ROLE_NONE);

    /* The last admin stays, in whatever way he would go. */
    assert_false(store_member_set(t->db, demo, ada, STORE_ROLE_NONE, &err));
    assert_int_equal(err.code, WH_CONFLICT);
    assert_false(store_member_set(t->db, demo, ada, STORE_ROLE_READ, &err));
    assert_int_equal(err.code, WH_CONFLICT);
    assert_true(store_member_set(t->db, demo, bob, STORE_ROLE_WRITE, &err));
    assert_int_equal(role_of(t->db, demo, bob), STORE_ROLE_WRITE);
    assert_true(store_member_set(t->db, demo, bob, STORE_ROLE_ADMIN, &err));
    assert_true(store_member_set(t->db, demo, ada, STORE_ROLE_NONE, &err));
    assert_int_equal(role_of(t->db, demo, ada), STORE_ROLE_NONE);

    /* People are members of organisations, nothing else. */
    assert_false(store_member_set(t->db, ada, bob, STORE_ROLE_READ, &err));
    assert_int_equal(err.code, WH_BAD_REQUEST);
    assert_false(store_member_set(t->db, demo, demo, STORE_ROLE_READ, &err));
    assert_int_equal(err.code, WH_BAD_REQUEST);
}

static void test_orgs_of(void **state)
{
    struct testdb *t = *state;
    struct wh_err err = {0};
    struct wh_arena a;
    struct store_membership *list;
    size_t n = 9;
    int64_t ada = make(t->db, "ada", 0);
    wh_arena_init(&a, 1 << 20);
    assert_true(store_member_orgs(t->db, &a, ada, &list, &n, &err));
    assert_int_equal(n, 0);
    for (int i = 19; i >= 0; i--) {
        char name[] = {'o', (char)('a' + i), '\0'};
        make(t->db, name, ada);
    }
    assert_true(store_member_orgs(t->db, &a, ada, &list, &n, &err));
    assert_int_equal(n, 20);
    assert_string_equal(list[0].org.name, "oa");
    assert_string_equal(list[19].org.name, "ot");
    assert_true(list[7].org.org);
    assert_int_equal(list[7].role, STORE_ROLE_ADMIN);
    wh_arena_done(&a);
}

static void test_roles_have_names(void **state)
{
    (void)state;
    for (int r = STORE_ROLE_READ; r <= STORE_ROLE_FINE; r++) {
        const char *name = store_role_name((enum store_role)r);
        assert_int_equal(store_role_of(wh_str_of(name)), r);
    }
    assert_int_equal(store_role_of(WH_S("none")), STORE_ROLE_NONE);
    assert_int_equal(store_role_of(WH_S("Admin")), STORE_ROLE_NONE);
}

/* A whole story in one transaction. */
static bool story(struct db *db, void *ctx, struct wh_err *err)
{
    struct store_account ada, bob, org;
    struct store_account_new one = {.name = WH_S("ada")};
    struct store_account_new two = {.name = WH_S("bob")};
    (void)ctx;
    if (!store_account_create(db, &one, &ada, err) ||
        !store_account_create(db, &two, &bob, err)) {
        return false;
    }
    struct store_account_new three = {
        .name = WH_S("demo"), .org = true, .owner = ada.id};
    return store_account_create(db, &three, &org, err) &&
           store_member_set(db, org.id, bob.id, STORE_ROLE_ADMIN, err) &&
           store_member_set(db, org.id, ada.id, STORE_ROLE_NONE, err) &&
           store_account_disable(db, ada.id, true, err) &&
           store_account_disable(db, ada.id, false, err);
}

static void test_faults(void **state)
{
    struct testdb *t = *state;
    struct wh_err err = {0};
    struct store_account a;
    struct db *db = db_open_with(db_fault_driver(), t->path, false, &err);
    assert_non_null(db);
    for (unsigned long n = 1;; n++) {
        assert_true(n < 500);
        err = (struct wh_err){0};
        db_fault_arm(n, WH_NOSPACE);
        bool ok = db_tx(db, story, NULL, &err);
        db_fault_arm(0, WH_IO);
        struct wh_err none = {0};
        assert_int_equal(store_account_by_name(db, WH_S("demo"), &a, &none),
                         ok);
        assert_int_equal(store_account_by_name(db, WH_S("ada"), &a, &none), ok);
        if (ok) {
            assert_true(n > 40);
            break;
        }
        assert_int_equal(err.code, WH_NOSPACE);
    }
    db_close(&db);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, open_t, close_t)
    const struct CMUnitTest tests[] = {
        T(test_create_and_find),
        T(test_create_refusals),
        T(test_membership),
        T(test_orgs_of),
        cmocka_unit_test(test_roles_have_names),
        T(test_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
