/*
 * testkeys.h - for tests only: the published keys and texts of the format.
 * Owner: static data.
 * Never: linked into the product.
 */
#ifndef WH_TLOG_TESTKEYS_H
#define WH_TLOG_TESTKEYS_H

#define TEST_LOG "weighhouse.example/log"
#define TEST_LOG_VKEY \
    TEST_LOG "+c25c1109+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
#define TEST_WITNESS_VKEY \
    "witness.example/w1+9f274363+BM0Us3+VbpUxlP9/tzs9gdzFYdYadTgJS3w+GmQ+5fOq"

/* Checkpoint of 70,000 synthetic entries, signed and cosigned. */
#define TEST_TEXT_70000 \
    TEST_LOG "\n70000\nkrbUDg0+GSpldi5DXuWEgRrhc1yFSHqChNMBRFrjHtI=\n"
#define TEST_SIG_70000                                                        \
    "\xe2\x80\x94 " TEST_LOG " wlwRCfbfB+8BEyQYwGiCE4veEmtvGy+67tsmEl+l2BtlJ" \
    "cD+ov8DNJiFLQ8vcIVIk9VTnhd12OBKfYpxVrpc8TZovg4=\n"
#define TEST_COSIG_TIME 1790000000
#define TEST_COSIG_70000                                                       \
    "\xe2\x80\x94 witness.example/w1 nydDYwAAAABqsTuAEuYlBc2WhDNO3o6t0K3Dg0iz" \
    "3js7XwSNALpURiTGw7xGgm9ofUE/Se3VfUA4F1udal+K/QgV/+AdYIpUbnRyAQ==\n"

/* Receipt for entry 5 of the 8 reference entries of RFC 6962. */
#define TEST_RECEIPT_CP                                                        \
    TEST_LOG "\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\n"           \
             "\xe2\x80\x94 " TEST_LOG " wlwRCRrSFQi37Ct0cdPZkc+Vg26t/bih34jba" \
             "yH7dsyklg0hvx1D91n3+5g62Yj6T+GyntYTaNQh8r8sVtFKpmiR5Aw=\n"
#define TEST_RECEIPT                                 \
    "c2sp.org/tlog-proof@v1\nindex 5\n"              \
    "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=\n" \
    "yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=\n" \
    "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=\n\n" TEST_RECEIPT_CP

#endif
