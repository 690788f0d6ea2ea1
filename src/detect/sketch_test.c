/* Unit tests of detect/sketch.h. */
#include "base/unit.h"
#include "detect/sketch.h"

#define TOWN                                                                \
    "the ship brings salt and grain to the harbour town before winter and " \
    "takes back cloth, tar and seven barrels of herring for the islands, "  \
    "where nobody has seen a wagon or a paved road in all these years"
#define TOWN_NOISY                                                          \
    "teh sihp brinsg slat adn garin ot teh habrour twon bfeore witner adn " \
    "tkaes bcak clohth tra nad svene braerls fo herrnig fro hte islnads "   \
    "wehre noobdy ahs sene a wgaon ro a pvaed raod ni lal tehse yeras"
#define OTHER                                                                  \
    "a list of numbers can be sorted in many ways; merging two sorted halves " \
    "is one, and choosing a pivot to divide by is another, which in practice " \
    "often wins because it is kind to the caches of our processors today"

static struct detect_sketch of(const char *text, uint64_t seed)
{
    struct detect_sketch s;
    detect_sketch_make(&s, wh_str_of(text), seed);
    return s;
}

static void likeness(void **state)
{
    (void)state;
    struct detect_sketch town = of(TOWN, 7), again = of(TOWN, 7),
                         longer = of(TOWN " and beyond", 7),
                         noisy = of(TOWN_NOISY, 7), other = of(OTHER, 7);
    assert_true(detect_sketch_words(&town, &again) == 1);
    assert_true(detect_sketch_shape(&town, &again) == 1);
    assert_true(detect_sketch_words(&town, &longer) > 0.75);
    assert_true(detect_sketch_words(&town, &other) < 0.15);
    assert_true(detect_sketch_shape(&town, &other) < 0.3);
    /* letters change places in every word: only the shape stays */
    assert_true(detect_sketch_words(&town, &noisy) < 0.15);
    assert_true(detect_sketch_shape(&town, &noisy) > 0.6);
}

static void seeds_do_not_mix(void **state)
{
    (void)state;
    struct detect_sketch a = of(TOWN, 1), b = of(TOWN, 2);
    assert_true(detect_sketch_words(&a, &b) < 0.1);
    assert_true(detect_sketch_shape(&a, &b) < 0.1);
}

static void short_and_empty(void **state)
{
    (void)state;
    struct detect_sketch none = of("", 1), blank = of(" .\n", 1),
                         one = of("salt", 1), same = of("salt!", 1);
    assert_true(detect_sketch_words(&none, &none) == 0);
    assert_true(detect_sketch_words(&blank, &none) == 0);
    assert_true(detect_sketch_words(&one, &same) == 1);
}

static void ring_keeps_the_last(void **state)
{
    (void)state;
    static struct detect_sketch_ring ring;
    struct detect_sketch town = of(TOWN, 3), other = of(OTHER, 3);
    struct detect_sketch_like like;
    detect_sketch_look(&ring, &town, &like);
    assert_true(like.words == 0 && like.near_w == 0);
    detect_sketch_add(&ring, &town);
    detect_sketch_add(&ring, &town);
    detect_sketch_look(&ring, &town, &like);
    assert_true(like.words == 1);
    assert_int_equal(like.near_w, 2);
    assert_int_equal(like.near_sh, 2);
    for (int i = 0; i < DETECT_SKETCH_RING; i++) {
        detect_sketch_add(&ring, &other);
    }
    detect_sketch_look(&ring, &town, &like);
    assert_int_equal(like.near_w, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(likeness),
        cmocka_unit_test(seeds_do_not_mix),
        cmocka_unit_test(short_and_empty),
        cmocka_unit_test(ring_keeps_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
