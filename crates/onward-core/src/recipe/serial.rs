//! How durations and the retry policy stand in a stored recipe: as people write them.

pub(super) mod duration_option {
    use serde::{Deserializer, Serializer};

    use crate::recipe::duration;

    #[expect(clippy::ref_option, reason = "the shape serde's `with` asks for")]
    pub(in crate::recipe) fn serialize<S: Serializer>(
        ms: &Option<u64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match ms {
            Some(ms) => duration::serialize(ms, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::recipe) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<u64>, D::Error> {
        duration::deserialize(deserializer).map(Some)
    }
}

pub(super) mod retry_text {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::retry::RetryPolicy;

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct AsText {
        attempts: u32,
        #[serde(with = "crate::recipe::duration")]
        base: u64,
        #[serde(with = "crate::recipe::duration")]
        max: u64,
    }

    impl Default for AsText {
        fn default() -> Self {
            RetryPolicy::default().into()
        }
    }

    impl From<RetryPolicy> for AsText {
        fn from(policy: RetryPolicy) -> Self {
            Self { attempts: policy.attempts, base: policy.base_ms, max: policy.max_ms }
        }
    }

    pub(in crate::recipe) fn serialize<S: Serializer>(
        policy: &RetryPolicy,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        AsText::from(*policy).serialize(serializer)
    }

    pub(in crate::recipe) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<RetryPolicy, D::Error> {
        let text = AsText::deserialize(deserializer)?;
        Ok(RetryPolicy { attempts: text.attempts, base_ms: text.base, max_ms: text.max })
    }
}
