-- Repos, their heads, tags and lists. Column order of whole repos is that of
-- read_repo in store/repo.c.

-- name: repo_insert :one
INSERT INTO repo (public_id, kind, owner, full, private, created, modified)
VALUES ($1, $2, $3, $4, $5, $6, $6) RETURNING id;

-- name: repo_head_insert :exec
INSERT INTO repo_head (repo, sha, tags, pipeline_tag, library, sdk, state,
  tier_source, tier_software, tier_data, tier_weights, subject, card, used)
VALUES ($1, '', '[]', '', '', $2, 0, 0, 0, 0, 0, '', '', 0);

-- name: repo_by_name :one
SELECT r.id, r.public_id, r.kind, r.owner, r.full, r.private, r.created,
       r.modified, r.downloads, r.likes, h.sha, h.tags, h.pipeline_tag,
       h.library, h.sdk, h.state, h.tier_source, h.tier_software, h.tier_data,
       h.tier_weights, h.subject, h.card, h.used
FROM repo r JOIN repo_head h ON h.repo = r.id
WHERE r.kind = $1 AND lower(r.full) = lower($2) AND r.gone IS NULL;

-- name: repo_by_id :one
SELECT r.id, r.public_id, r.kind, r.owner, r.full, r.private, r.created,
       r.modified, r.downloads, r.likes, h.sha, h.tags, h.pipeline_tag,
       h.library, h.sdk, h.state, h.tier_source, h.tier_software, h.tier_data,
       h.tier_weights, h.subject, h.card, h.used
FROM repo r JOIN repo_head h ON h.repo = r.id
WHERE r.id = $1 AND r.gone IS NULL;

-- name: repo_head_update :exec
UPDATE repo_head
SET sha = $2, tags = $3, pipeline_tag = $4, library = $5, sdk = $6, state = $7,
    tier_source = $8, tier_software = $9, tier_data = $10, tier_weights = $11,
    subject = $12, card = $13, used = $14
WHERE repo = $1;

-- name: repo_tiers_update :exec
UPDATE repo_head
SET state = $2, tier_source = $3, tier_software = $4, tier_data = $5,
    tier_weights = $6
WHERE repo = $1;

-- name: repo_touch :exec
UPDATE repo SET modified = $2 WHERE id = $1;

-- name: repo_add_downloads :exec
UPDATE repo SET downloads = downloads + $2 WHERE id = $1;

-- name: repo_add_likes :exec
UPDATE repo SET likes = max(0, likes + $2) WHERE id = $1;

-- name: repo_set_private :exec
UPDATE repo SET private = $2 WHERE id = $1;

-- name: repo_set_gone :exec
UPDATE repo SET gone = $2 WHERE id = $1;

-- name: repo_gone_next :one
SELECT id FROM repo WHERE gone IS NOT NULL AND gone <= $1
ORDER BY gone LIMIT 1;

-- name: repo_purge :exec
DELETE FROM repo WHERE id = $1 AND gone IS NOT NULL;

-- name: repo_total_add :exec
UPDATE repo_total SET n = n + $2 WHERE kind = $1;

-- name: repo_last :one
SELECT coalesce(max(id), 0) FROM repo;

-- name: repo_total :one
SELECT n FROM repo_total WHERE kind = $1;

-- name: tag_find :one
SELECT id, n FROM tag WHERE kind = $1 AND name = $2;

-- name: tag_add :one
INSERT INTO tag (kind, name, n) VALUES ($1, $2, $3)
ON CONFLICT (kind, name) DO UPDATE SET n = n + excluded.n RETURNING id;

-- name: tag_count :exec
UPDATE tag SET n = n + $2 WHERE id = $1;

-- name: tag_count_repo :exec
UPDATE tag SET n = n + $2
WHERE id IN (SELECT tag FROM repo_tag WHERE repo = $1);

-- name: tag_common :many
SELECT name, n FROM tag WHERE kind = $1 AND n > 0
ORDER BY n DESC, name LIMIT $2;

-- name: repo_tag_add :exec
INSERT INTO repo_tag (tag, repo) VALUES ($1, $2);

-- name: repo_tag_drop :exec
DELETE FROM repo_tag WHERE tag = $1 AND repo = $2;

-- name: repo_tag_drop_all :exec
DELETE FROM repo_tag WHERE repo = $1;

-- name: repo_tag_names :many
SELECT t.name, t.id FROM repo_tag rt CROSS JOIN tag t ON t.id = rt.tag
WHERE rt.repo = $1;

-- Lists. The walks go down one sort index; ids_ statements give candidates of
-- one filter (substrings come from store/repo_names.c); the plan is chosen in store/repo_list.c.

-- name: repo_walk_modified :many
SELECT id, modified, owner FROM repo
WHERE kind = $1 AND private = 0 AND gone IS NULL
  AND (modified, id) < ($2, $3)
ORDER BY modified DESC, id DESC;

-- name: repo_walk_created :many
SELECT id, created, owner FROM repo
WHERE kind = $1 AND private = 0 AND gone IS NULL AND (created, id) < ($2, $3)
ORDER BY created DESC, id DESC;

-- name: repo_walk_downloads :many
SELECT id, downloads, owner FROM repo
WHERE kind = $1 AND private = 0 AND gone IS NULL
  AND (downloads, id) < ($2, $3)
ORDER BY downloads DESC, id DESC;

-- name: repo_walk_likes :many
SELECT id, likes, owner FROM repo
WHERE kind = $1 AND private = 0 AND gone IS NULL AND (likes, id) < ($2, $3)
ORDER BY likes DESC, id DESC;

-- name: repo_walk_id :many
SELECT id, id, owner FROM repo
WHERE kind = $1 AND private = 0 AND gone IS NULL AND id < $3 AND $2 >= id
ORDER BY id DESC;

-- name: repo_keys :one
SELECT kind, owner, private, created, modified, downloads, likes, full
FROM repo WHERE id = $1 AND gone IS NULL;

-- name: repo_has_tag :one
SELECT 1 FROM repo_tag WHERE tag = $1 AND repo = $2;

-- name: repo_ids_by_tag :many
SELECT repo FROM repo_tag WHERE tag = $1;

-- name: repo_names_after :many
SELECT id, kind, full FROM repo WHERE id > $1 AND gone IS NULL ORDER BY id;

-- name: repo_ids_by_owner :many
SELECT id FROM repo WHERE owner = $1 AND kind = $2 AND gone IS NULL;

-- name: repo_ids_private :many
SELECT id FROM repo
WHERE owner = $1 AND kind = $2 AND private = 1 AND gone IS NULL;
