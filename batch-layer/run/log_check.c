/* SPDX-License-Identifier: Apache-2.0 */
#include "run/log_check.h"

#include "base/log.h"

bool same_cluster_check(const struct source *source, const struct publication *publication, const char *cluster,
                        struct error *error)
{
    return publication_is_of_cluster(publication, cluster) ||
           error_set(error, ERROR_CONFIGURATION,
                     "source %s: it was ingested from the Kafka cluster %s and this one is %s; check kafka.brokers, or "
                     "give the source another name to begin anew",
                     source->name, publication->cluster, cluster);
}

bool kept_whole_check(struct batch *batch, const struct source *source, struct error *error)
{
    char policy[LOG_POLICY_MAX];
    struct error problem = {0};
    if (batch->log->operations->policy(batch->log, source->topic, policy, &problem))
        return log_policy_check(source->name, source->topic, policy, error);
    if (problem.code != ERROR_PERMISSION) {
        *error = problem;
        return false;
    }
    if (!batch->has_warned_of_policy)
        log_warning("%s: the right to describe topics is missing, so nobody looks whether they are compacted: then "
                    "sums over them would be wrong",
                    problem.message);
    batch->has_warned_of_policy = true;
    return true;
}
