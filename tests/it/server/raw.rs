//! Bytes instead of messages, in both directions of HTTP/2.

use std::net::SocketAddr;

use http::uri::PathAndQuery;
use prost::bytes::{Buf, BufMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_stream::Stream;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Channel;
use tonic::{Request, Status, Streaming};

/// Sends `message` as the request of a unary call.
pub async fn call(
    channel: Channel,
    path: &'static str,
    message: Vec<u8>,
) -> Result<Vec<u8>, Status> {
    let mut client = Grpc::new(channel);
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static(path);
    let answer = client.unary(Request::new(message), path, Raw).await?;
    Ok(answer.into_inner())
}

/// Sends `messages` on a stream, and hands back the stream of answers.
pub async fn stream(
    channel: Channel,
    path: &'static str,
    messages: impl Stream<Item = Vec<u8>> + Send + 'static,
) -> Result<Streaming<Vec<u8>>, Status> {
    let mut client = Grpc::new(channel);
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static(path);
    let answers = client.streaming(Request::new(messages), path, Raw).await?;
    Ok(answers.into_inner())
}

#[derive(Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let length = buffer.remaining();
        Ok(Some(buffer.copy_to_bytes(length).to_vec()))
    }
}

/// What the server says about itself first: setting and value.
pub async fn announced(address: SocketAddr) -> Vec<(u16, u32)> {
    const SETTINGS: u8 = 4;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .await
        .unwrap();
    let length = stream.read_u32().await.unwrap();
    assert_eq!(length.to_be_bytes()[3], SETTINGS);
    let (flags, stream_id) = (stream.read_u8().await, stream.read_u32().await);
    assert_eq!((flags.unwrap(), stream_id.unwrap()), (0, 0));
    let mut settings = Vec::new();
    for _ in 0..(length >> 8) / 6 {
        let setting = stream.read_u16().await.unwrap();
        settings.push((setting, stream.read_u32().await.unwrap()));
    }
    settings
}
