/*
 * tls.c - OpenSSL behind a few calls. A context holds certificate, key and
 * rules; replacing the certificate makes a new context, and connections keep
 * the one that they began with.
 */
#include "net/tls.h"

#include "base/mem.h"
#include "base/time.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

/* TLS 1.2: forward secrecy and authenticated encryption only; 1.3 has nothing
 * else. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"
#define SESSION_CONTEXT "weighhouse"

struct net_tls {
    pthread_mutex_t lock;
    SSL_CTX *ctx;
};

struct net_tls_link {
    SSL *ssl;
};

/* ---- the context ---- */

/* What OpenSSL said last goes into the private detail. */
static bool refuse(struct wh_err *err, const char *what)
{
    char text[256];

    ERR_error_string_n(ERR_peek_last_error(), text, sizeof text);
    ERR_clear_error();
    (void)wh_fail(err, WH_USAGE, "%s", what);
    return wh_err_detail(err, "%s", text);
}

/* "http/1.1" or, if something else is insisted on, an alert. */
static int choose_protocol(SSL *ssl, const unsigned char **out,
                           unsigned char *out_n, const unsigned char *in,
                           unsigned in_n, void *arg)
{
    static const char ours[] = "http/1.1";
    const unsigned n = sizeof ours - 1;

    (void)ssl;
    (void)arg;
    for (unsigned at = 0; at < in_n; at += 1u + in[at]) {
        if (in[at] == n && in_n - at > n && memcmp(in + at + 1, ours, n) == 0) {
            *out = in + at + 1;
            *out_n = (unsigned char)n;
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool set_rules(SSL_CTX *ctx)
{
    const unsigned char *id = (const unsigned char *)SESSION_CONTEXT;

    SSL_CTX_set_options(
        ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                 SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_ENABLE_KTLS);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    /* sessions live in tickets, which the clients keep */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ctx, CIPHERS) == 1 &&
           SSL_CTX_set_session_id_context(ctx, id,
                                          sizeof SESSION_CONTEXT - 1) == 1;
}

/* No passphrase is ever asked for on the terminal. */
static int no_passphrase(char *buf, int n, int writing, void *arg)
{
    (void)buf;
    (void)n;
    (void)writing;
    (void)arg;
    return -1;
}

static bool use_chain(SSL_CTX *ctx, BIO *bio)
{
    X509 *x = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
    bool ok = x && SSL_CTX_use_certificate(ctx, x) == 1;

    X509_free(x);
    while (ok && (x = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL))) {
        ok = SSL_CTX_add0_chain_cert(ctx, x) == 1;
        if (!ok) {
            X509_free(x);
        }
    }
    /* the end of the text is no failure; anything else is */
    if (ok && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) {
        ERR_clear_error();
    }
    return ok && ERR_peek_last_error() == 0;
}

static bool use_key(SSL_CTX *ctx, BIO *bio)
{
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    bool ok = key && SSL_CTX_use_PrivateKey(ctx, key) == 1;

    EVP_PKEY_free(key);
    return ok && SSL_CTX_check_private_key(ctx) == 1;
}

static BIO *text_bio(struct wh_str s)
{
    BIO *b = BIO_new_mem_buf(s.p, (int)s.n);

    wh_assert(s.n <= NET_TLS_FILE_MAX && b != NULL);
    return b;
}

static SSL_CTX *new_ctx(struct wh_str certificate, struct wh_str key,
                        struct wh_err *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    BIO *cert_bio, *key_bio;
    bool ok;

    wh_assert(ctx != NULL);
    ERR_clear_error();
    if (!set_rules(ctx)) {
        SSL_CTX_free(ctx);
        (void)refuse(err, "OpenSSL does not take the rules for TLS");
        return NULL;
    }
    cert_bio = text_bio(certificate);
    key_bio = text_bio(key);
    if (!use_chain(ctx, cert_bio)) {
        ok = refuse(err, "tls.certificate holds no certificate in PEM form, "
                         "or a broken one");
    } else if (!use_key(ctx, key_bio)) {
        ok = refuse(err, "tls.key holds no key in PEM form without a "
                         "passphrase, or not that of tls.certificate");
    } else {
        ok = true;
    }
    BIO_free(cert_bio);
    BIO_free(key_bio);
    if (!ok) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

bool net_tls_new(struct wh_str certificate, struct wh_str key,
                 struct net_tls **out, struct wh_err *err)
{
    SSL_CTX *ctx = new_ctx(certificate, key, err);
    struct net_tls *t;

    if (!ctx) {
        return false;
    }
    /* OpenSSL writes to sockets without MSG_NOSIGNAL */
    (void)signal(SIGPIPE, SIG_IGN);
    t = wh_alloc(sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    t->ctx = ctx;
    *out = t;
    return true;
}

void net_tls_free(struct net_tls **t)
{
    if (*t) {
        SSL_CTX_free((*t)->ctx);
        pthread_mutex_destroy(&(*t)->lock);
        wh_free(*t);
        *t = NULL;
    }
}

bool net_tls_replace(struct net_tls *t, struct wh_str certificate,
                     struct wh_str key, struct wh_err *err)
{
    SSL_CTX *ctx = new_ctx(certificate, key, err), *old;

    if (!ctx) {
        return false;
    }
    pthread_mutex_lock(&t->lock);
    old = t->ctx;
    t->ctx = ctx;
    pthread_mutex_unlock(&t->lock);
    SSL_CTX_free(old); /* links have references of their own */
    return true;
}

/* ---- certificates ---- */

static bool time_of(const ASN1_TIME *at, int64_t *out)
{
    struct tm tm = {0};

    if (ASN1_TIME_to_tm(at, &tm) != 1) {
        return false;
    }
    *out = (int64_t)timegm(&tm) * 1000000;
    return true;
}

bool net_tls_read(struct wh_str certificate, struct net_tls_about *out,
                  struct wh_err *err)
{
    BIO *bio = text_bio(certificate);
    X509 *x = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
    bool ok = x && time_of(X509_get0_notBefore(x), &out->from) &&
              time_of(X509_get0_notAfter(x), &out->until);

    if (ok) {
        (void)X509_NAME_oneline(X509_get_subject_name(x), out->subject,
                                sizeof out->subject);
    }
    X509_free(x);
    BIO_free(bio);
    return ok || refuse(err, "there is no certificate in PEM form");
}

/* ---- links ---- */

struct net_tls_link *net_tls_open(struct net_tls *t, int fd)
{
    struct net_tls_link *l = wh_alloc(sizeof *l);

    pthread_mutex_lock(&t->lock);
    l->ssl = SSL_new(t->ctx);
    pthread_mutex_unlock(&t->lock);
    wh_assert(l->ssl != NULL && SSL_set_fd(l->ssl, fd) == 1);
    SSL_set_accept_state(l->ssl);
    return l;
}

void net_tls_close(struct net_tls_link **l)
{
    if (*l) {
        SSL_free((*l)->ssl);
        wh_free(*l);
        *l = NULL;
    }
}

/* The queue of errors is the thread's: it must be empty before each call, or
 * SSL_get_error tells of another connection. */
static enum net_tls_result result(const struct net_tls_link *l, int r)
{
    enum net_tls_result res = NET_TLS_BAD;

    switch (SSL_get_error(l->ssl, r)) {
    case SSL_ERROR_NONE:
        res = NET_TLS_OK;
        break;
    case SSL_ERROR_WANT_READ:
        res = NET_TLS_WANT_READ;
        break;
    case SSL_ERROR_WANT_WRITE:
        res = NET_TLS_WANT_WRITE;
        break;
    case SSL_ERROR_ZERO_RETURN:
        res = NET_TLS_END;
        break;
    default:
        break;
    }
    ERR_clear_error();
    return res;
}

enum net_tls_result net_tls_shake(struct net_tls_link *l)
{
    ERR_clear_error();
    return result(l, SSL_do_handshake(l->ssl));
}

enum net_tls_result net_tls_get(struct net_tls_link *l, char *p, size_t n,
                                size_t *done)
{
    ERR_clear_error();
    return result(l, SSL_read_ex(l->ssl, p, n, done));
}

enum net_tls_result net_tls_put(struct net_tls_link *l, const char *p, size_t n,
                                size_t *done)
{
    ERR_clear_error();
    return result(l, SSL_write_ex(l->ssl, p, n, done));
}

enum net_tls_result net_tls_sendfile(struct net_tls_link *l, int fd,
                                     uint64_t off, size_t n, size_t *done)
{
    ossl_ssize_t sent;

    ERR_clear_error();
    sent = SSL_sendfile(l->ssl, fd, (off_t)off, n, 0);
    if (sent > 0) {
        *done = (size_t)sent;
        return NET_TLS_OK;
    }
    return sent == 0 ? NET_TLS_BAD : result(l, -1);
}

bool net_tls_in_kernel(const struct net_tls_link *l)
{
    return BIO_get_ktls_send(SSL_get_wbio(l->ssl)) == 1;
}

void net_tls_bye(struct net_tls_link *l)
{
    ERR_clear_error();
    if (SSL_is_init_finished(l->ssl)) {
        (void)SSL_shutdown(l->ssl);
    }
    ERR_clear_error();
}
