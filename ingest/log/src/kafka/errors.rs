//! What librdkafka says, as an error that tells where, and whether waiting helps.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::context::Context;
use super::native::Failure;
use crate::error::LogError;

/// An error of one broker, in the words for people.
pub(super) fn error(
    bootstrap: &str,
    context: &Context,
    action: &str,
    failure: Failure,
) -> LogError {
    let Failure { mut code, mut text } = failure;
    // A request that got no answer says only that it got none; the connection's own error says why.
    if is_passing(code)
        && let Some((why, reason)) = context.last_error()
    {
        text = format!("{text} ({reason})");
        code = if is_refusal(why) { why } else { code };
    }
    LogError::Kafka {
        what: format!("cannot {action} at {bootstrap}: {text}{}", way_out(code)),
        passing: is_passing(code),
    }
}

/// The same for an error of the wrapper.
pub(super) fn wrapped(
    bootstrap: &str,
    context: &Context,
    action: &str,
    from: &KafkaError,
) -> LogError {
    let code = match from {
        KafkaError::AdminOp(code) => Some(*code),
        other => other.rdkafka_error_code(),
    };
    let text = match from {
        KafkaError::ClientConfig(_, why, name, _) => format!("{why} (property {name})"),
        KafkaError::Transaction(error) => error.string(),
        other => other.to_string(),
    };
    let code = code.unwrap_or(RDKafkaErrorCode::InvalidArgument);
    error(bootstrap, context, action, Failure { code, text })
}

/// A refusal that only somebody's doing changes.
pub(super) fn refusal(what: impl Into<String>) -> LogError {
    LogError::Kafka {
        what: what.into(),
        passing: false,
    }
}

/// What the code alone says about a delivery.
pub(super) fn delivery(
    bootstrap: &str,
    context: &Context,
    of: (RDKafkaErrorCode, String),
) -> LogError {
    let (code, text) = of;
    error(
        bootstrap,
        context,
        "append to the log",
        Failure { code, text },
    )
}

fn is_refusal(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::Authentication
            | Code::SSL
            | Code::SaslAuthenticationFailed
            | Code::TopicAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed
            | Code::GroupAuthorizationFailed
    )
}

fn way_out(code: RDKafkaErrorCode) -> &'static str {
    use RDKafkaErrorCode as Code;
    match code {
        code if is_refusal(code) => {
            "; see the credentials, certificates and rights in EIP_KAFKA_PROPERTIES"
        }
        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownTopicId => {
            "; somebody removed it: `eip space reset` begins anew"
        }
        Code::InvalidTransactionTimeout => {
            "; this run needs a longer transaction than the broker allows: raise its \
             transaction.max.timeout.ms or take a smaller window"
        }
        Code::MessageSizeTooLarge => "; a record and its headers have at most 2 MiB",
        Code::BrokerTransportFailure
        | Code::AllBrokersDown
        | Code::OperationTimedOut
        | Code::Resolve => "; see whether the broker runs and EIP_KAFKA names it",
        _ => "",
    }
}

/// Whether it passes by itself, as when a broker starts again.
pub(super) fn is_passing(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::OperationTimedOut
            | Code::RequestTimedOut
            | Code::MessageTimedOut
            | Code::TimedOutQueue
            | Code::Resolve
            | Code::NetworkException
            | Code::BrokerNotAvailable
            | Code::ReplicaNotAvailable
            | Code::LeaderNotAvailable
            | Code::NotLeaderForPartition
            | Code::FencedLeaderEpoch
            | Code::UnknownLeaderEpoch
            | Code::OffsetNotAvailable
            | Code::PreferredLeaderNotAvailable
            | Code::NotController
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator
            | Code::NotEnoughReplicas
            | Code::NotEnoughReplicasAfterAppend
            | Code::ConcurrentTransactions
            | Code::KafkaStorageError
            | Code::ThrottlingQuotaExceeded
            | Code::QueueFull
    )
}
